/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine in a process of its own, which is killed at its nth step. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For main(), before anything else: the worker's own part. TRUE when this process was one. */
typedef void (*CrashWork) (const char *data, const char *operation, int step);
gboolean crash_worker_main (int argc, char *argv[], CrashWork work);
/* For the worker: it is killed at its nth step from here on. */
void crash_worker_arm (int step);

/* TRUE: it was killed. FALSE: it has come to its end. */
gboolean crash_worker_run (const char *data, const char *operation, guint step);
/* A copy of all that an engine has, anew for each run; files with several names stay so. */
void crash_worker_copy (const char *original, const char *data);

G_END_DECLS
