/*
 * chars: see chars.h.
 */
#include "http/chars.h"

#define V (C_VALUE | C_VCHAR)
#define VQ (V | C_QUERY)
#define VPQ (V | C_PATH | C_QUERY)
#define TV (C_TCHAR | V)
#define TVQ (C_TCHAR | VQ)
#define TVPQ (C_TCHAR | VPQ)
#define ALL (TVPQ | C_HOST)

const uint8_t char_classes[256] = {
    ['\t'] = C_VALUE,
    [' '] = C_VALUE,
    ['!'] = TVPQ,
    ['"'] = V,
    ['#'] = TV,
    ['$' ... '\''] = TVPQ,
    ['(' ... ')'] = VPQ,
    ['*' ... '+'] = TVPQ,
    [','] = VPQ,
    ['-' ... '.'] = ALL,
    ['/'] = VPQ,
    ['0' ... '9'] = ALL,
    [':' ... ';'] = VPQ,
    ['<'] = V,
    ['='] = VPQ,
    ['>'] = V,
    ['?'] = VQ,
    ['@'] = VPQ,
    ['A' ... 'Z'] = ALL,
    ['['] = VQ,
    ['\\'] = V,
    [']'] = VQ,
    ['^'] = TVQ,
    ['_'] = ALL,
    ['`'] = TVQ,
    ['a' ... 'z'] = ALL,
    ['{'] = VQ,
    ['|'] = TVQ,
    ['}'] = VQ,
    ['~'] = TVPQ,
    [0x80 ... 0xff] = C_VALUE,
};
