/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much memory a process may take that draws what a guest or a server sends. */
#include "lodge-memory.h"

#include "lodge-config.h"

#include <sys/resource.h>

/* The largest picture takes 1 GiB, and its copies for drawing as much again. What a server sends
 * must not make this process push others out of memory. */
#define MEMORY_MAX ((rlim_t) 4 << 30)

void
lodge_memory_limit (void)
{
  const struct rlimit limit = {MEMORY_MAX, MEMORY_MAX};

  if (!LODGE_ADDRESS_SANITIZER)
    (void) setrlimit (RLIMIT_DATA, &limit);
}
