/*
 * What is beside the collections (SPEC A10): probes, metrics, the page of links, descriptions.
 */
#ifndef DURE_PROTO_PAGES_H
#define DURE_PROTO_PAGES_H

#include "proto/call.h"

void dure_pages_livez(struct dure_call *call);  /* 200 while the loop turns. */
void dure_pages_readyz(struct dure_call *call); /* 200, or 503 while it takes no commands. */
void dure_pages_metrics(struct dure_call *call);
void dure_pages_home(struct dure_call *call);    /* The collections as links: HAL, or HTML. */
void dure_pages_profile(struct dure_call *call); /* /profile/{system}/{collection}: its fields. */

#endif
