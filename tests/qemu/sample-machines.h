/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines to make command lines of: one row each, from plain to odd. */
#pragma once

#include "description/lodge-description.h"
#include "host/lodge-accelerator.h"

G_BEGIN_DECLS

typedef struct {
  const char *name; /* of the golden file */
  LodgeAcceleratorKind accelerator;
  gboolean hyperv;
  gboolean bare; /* a QEMU without SPICE and a host without seccomp and io_uring */
  void (*fill) (LodgeDescription *description, const char *files);
  const char *render_node; /* of a card that draws in 3D, or NULL */
} SampleMachine;

extern const SampleMachine sample_machines[];
extern const guint n_sample_machines;

/* The description of @sample with fixed identities. Files outside the machine's folder are named
 * below @files; none is made. */
LodgeDescription *sample_machine_new (const SampleMachine *sample, const char *files);

/* A folder below another. */
char *sample_folder_make (const char *below, const char *name);

G_END_DECLS
