/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program that was taken over would try. Runs as a program of its own, inside or outside
 * containment, and writes one answer. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  PROBE_READ_HOME,         /* another file of the user's */
  PROBE_READ_PASSWD,       /* the host's accounts */
  PROBE_READ_OTHER_DISK,   /* another machine's disk */
  PROBE_WRITE_BASE,        /* a layer that others stand on */
  PROBE_WRITE_MACHINE_INI, /* the machine's own description */
  PROBE_CREATE_IN_MACHINE, /* a file in the machine's folder */
  PROBE_PLANT_LINK,        /* a link where the engine will write a picture */
  PROBE_CREATE_IN_ROOT,    /* a file anywhere else */
  PROBE_CONNECT_UNIX,      /* a socket with a name */
  PROBE_CONNECT_ABSTRACT,  /* a socket in the abstract name space */
  PROBE_CONNECT_TCP,       /* the host's loopback */
  PROBE_READ_ENVIRON,      /* the engine's environment */
  PROBE_SIGNAL,            /* the engine as a process */
  PROBE_N_ATTEMPTS,
} LaunchProbe;

extern const char *const launch_probe_names[PROBE_N_ATTEMPTS];

/* Writes "reached" or "refused: why" (or facts, for "limits" and "descriptors") into the file
 * @answers. Returns an exit status. */
int launch_probe_run (const char *answers, const char *attempt, const char *argument);

G_END_DECLS
