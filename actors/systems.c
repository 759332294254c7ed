/*
 * The list of systems: a new one is one folder and one line here.
 */
#include "actors/systems.h"

#include "actors/bike/bike.h"
#include "actors/dr/dr.h"
#include "actors/food/food.h"
#include "actors/notify/notify.h"
#include "actors/secondhand/secondhand.h"
#include "actors/shop/shop.h"

const struct dure_system *const *dure_systems(void)
{
    static const struct dure_system *const systems[] = {
        &shop_system,
        &food_system,
        &dr_system,
        &bike_system,
        &secondhand_system,
        &notify_system,
        NULL,
    };
    return systems;
}
