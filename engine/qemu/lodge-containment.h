/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walls around a program: bubblewrap's command line.
 *
 * For programs that outlive the engine use lodge_launch(), which is built on this. Short helpers
 * (qemu-img) take the argument vector and the environment from here and start it with GSubprocess.
 */
#pragma once

#include "qemu/lodge-command.h"

G_BEGIN_DECLS

typedef enum {
  LODGE_CONTAINMENT_DEFAULT = 0,
  /* The host's network (and with it its loopback and abstract sockets), and /etc/resolv.conf as it
   * is now, unless a bind brings another. */
  LODGE_CONTAINMENT_NETWORK = 1 << 0,
  /* Killed with whoever started it: for short helpers, never for a machine. */
  LODGE_CONTAINMENT_DIE_WITH_PARENT = 1 << 1,
  /* Not even root's number, for programs that do other things where they find it. */
  LODGE_CONTAINMENT_NOT_ROOT = 1 << 2,
} LodgeContainmentFlags;

/* One file, folder or device that stays visible, under its own path. */
typedef struct {
  LodgeCommandBind how;
  const char *path; /* absolute */
} LodgeContainmentBind;

/**
 * lodge_containment_new_argv:
 * @binds: (array length=n_binds): what the program may see besides /usr (read-only), a /proc of
 *   its own, the harmless devices, and an empty /tmp; folders before what is in them
 * @argv: (array zero-terminated=1): the program (a path, or a name looked up in PATH) and its
 *   arguments; a program that lies outside /usr is made visible
 *
 * Binds must exist, devices may be missing. Descriptors are inherited as usual.
 *
 * Returns: (transfer full) (element-type utf8): bubblewrap's command line with @argv at its end,
 *   NULL last (so its len is one more than the number of arguments); or %NULL with
 *   %LODGE_ERROR_HOST (bubblewrap or the program is not installed) or %LODGE_ERROR_NOT_FOUND (a
 *   bind is missing; the message names it)
 */
GPtrArray *lodge_containment_new_argv (LodgeContainmentFlags flags,
                                       const LodgeContainmentBind *binds,
                                       guint n_binds,
                                       const char *const *argv,
                                       GError **error);

/**
 * lodge_containment_dup_environment:
 *
 * Returns: (transfer full): what a contained program is told: search path, language and time zone.
 *   Give it to bubblewrap itself and not only to the program (its own /proc/1/environ is seen
 *   inside), so that no secret in the engine's environment gets in.
 */
char **lodge_containment_dup_environment (void);

/**
 * lodge_containment_find_program:
 *
 * Returns: (transfer full): the absolute path of a program, or %NULL with %LODGE_ERROR_HOST
 */
char *lodge_containment_find_program (const char *program, GError **error);

G_END_DECLS
