/* MVE intrinsics, called by their __arm_... names, which cannot clash with a program's own. */
#ifndef TINYCOMP_VECTORS_H
#define TINYCOMP_VECTORS_H

#include "mve.h"

#if TC_MVE
#include <arm_mve.h>
#endif

#endif
