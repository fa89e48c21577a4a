/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scope for a library's call that is known to leak: LeakSanitizer counts nothing that this thread
 * allocates in it. Around the one call only, so that nothing of ours is in it. Without
 * AddressSanitizer both are nothing. */
#pragma once

#include "lodge-config.h"

#if LODGE_ADDRESS_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

static inline void
lodge_library_leaks_begin (void)
{
#if LODGE_ADDRESS_SANITIZER
  __lsan_disable ();
#endif
}

static inline void
lodge_library_leaks_end (void)
{
#if LODGE_ADDRESS_SANITIZER
  __lsan_enable ();
#endif
}
