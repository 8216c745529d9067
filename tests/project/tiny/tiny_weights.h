#ifndef TINY_WEIGHTS_H
#define TINY_WEIGHTS_H

#include "tinycomp/tinycomp.h"

#ifdef __cplusplus
extern "C" {
#endif

extern TC_CONST int8_t tiny_weights[36];

#ifdef __cplusplus
}
#endif

#endif
