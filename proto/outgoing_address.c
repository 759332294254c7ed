/*
 * Which addresses are public: all but those of IANA's special-purpose address registries (RFC 6890)
 * and multicast. An IPv6 address that carries an IPv4 one is judged by that. Pure.
 */
#include <netinet/in.h>
#include <string.h>

#include "proto/outgoing.h"

static bool is_public4(uint32_t address)
{
    static const struct { uint32_t net; int bits; } special[] = {
        {0x00000000, 8},  /* This network. */
        {0x0a000000, 8},  /* Private (RFC 1918). */
        {0x64400000, 10}, /* Shared, carrier-grade NAT (RFC 6598). */
        {0x7f000000, 8},  /* Loopback. */
        {0xa9fe0000, 16}, /* Link-local (RFC 3927). */
        {0xac100000, 12}, /* Private. */
        {0xc0000000, 24}, /* IETF protocol assignments. */
        {0xc0000200, 24}, /* Documentation. */
        {0xc0586300, 24}, /* 6to4 relays, deprecated. */
        {0xc0a80000, 16}, /* Private. */
        {0xc6120000, 15}, /* Benchmarks (RFC 2544). */
        {0xc6336400, 24}, /* Documentation. */
        {0xcb007100, 24}, /* Documentation. */
        {0xe0000000, 3},  /* Multicast, reserved, broadcast. */
    };
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if ((address ^ special[i].net) >> (32 - special[i].bits) == 0) return false;
    }
    return true;
}

static uint32_t word(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_public6(const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, nat64, 12) == 0) {
        return is_public4(word(bytes + 12));
    }
    if ((bytes[0] & 0xe0) != 0x20) return false; /* Global unicast is 2000::/3. */
    if (word(bytes) == 0x20010db8) return false; /* Documentation. */
    if (word(bytes) >> 9 == 0x20010000 >> 9) return false; /* 2001::/23: protocol assignments. */
    if (word(bytes) >> 16 == 0x2002) return is_public4(word(bytes + 2)); /* 6to4 */
    return true;
}

bool dure_outgoing_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return is_public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6) return false;
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof in6);
    return is_public6(in6.sin6_addr.s6_addr);
}
