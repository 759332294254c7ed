/*
 * Which addresses are public: none by which a request could reach this machine or its network.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/outgoing.h"

static bool is_public(const char *text)
{
    struct sockaddr_storage address = {.ss_family = AF_INET};
    struct sockaddr_in *in = (struct sockaddr_in *)&address;
    if (inet_pton(AF_INET, text, &in->sin_addr) != 1) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
        address.ss_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
    }
    return dure_outgoing_is_public((const struct sockaddr *)&address);
}

/* Each range by its first and its last address. */
static void test_special(void **state)
{
    (void)state;
    static const char *const special[] = {
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
        "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0",
        "172.31.255.255", "192.0.0.1", "192.0.2.255", "192.88.99.1", "192.168.0.0",
        "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.7",
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1",
        "::ffff:127.0.0.1", "::ffff:192.168.1.1", "::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1",
        "100::1", "2001::1", "2001:1ff::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::1",
        "fc00::1", "fdff::1", "fe80::1", "fec0::1", "ff02::1",
    };
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (is_public(special[i])) fail_msg("%s is not public", special[i]);
    }
}

/* The neighbours of these ranges, and well-known ones. */
static void test_public(void **state)
{
    (void)state;
    static const char *const open[] = {
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
        "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
        "223.255.255.255", "8.8.8.8", "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111",
        "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
    };
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        if (!is_public(open[i])) fail_msg("%s is public", open[i]);
    }
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    assert_false(dure_outgoing_is_public((const struct sockaddr *)&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_special),
                                       cmocka_unit_test(test_public)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
