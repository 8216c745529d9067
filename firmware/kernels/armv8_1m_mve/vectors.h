/* MVE's intrinsics, called by the names (__arm_...) that they have whatever else a program defines. */
#ifndef TINYCOMP_VECTORS_H
#define TINYCOMP_VECTORS_H

#include "mve.h"

#if TC_MVE
#include <arm_mve.h>
#endif

#endif
