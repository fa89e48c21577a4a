/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this computer can do for guests, each finding one sentence and what to do about it. */
#pragma once

#include "host/lodge-accelerator.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_FINDING_GOOD,
  LODGE_FINDING_NOTE,
  LODGE_FINDING_WARNING,
  LODGE_FINDING_PROBLEM,
} LodgeFindingLevel;

typedef struct {
  /* accelerator, isolation (only under emulation), nesting, iommu, qemu, firmware, secure-boot,
   * tpm, graphics (only where there is a card that programs can draw with), memory, sandbox,
   * io-uring (only when missing): in this order */
  const char *id;
  LodgeFindingLevel level;
  char *sentence;
  char *advice; /* "" when there is nothing to do */
} LodgeFinding;

typedef enum {
  LODGE_SANDBOX_NONE,
  LODGE_SANDBOX_SECCOMP,    /* QEMU's own filter only: user namespaces are not to be had */
  LODGE_SANDBOX_BUBBLEWRAP, /* namespaces and the filter */
} LodgeSandbox;

typedef struct _LodgeHostReport LodgeHostReport;
LodgeHostReport *lodge_host_report_ref (LodgeHostReport *self);
void lodge_host_report_unref (LodgeHostReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeHostReport, lodge_host_report_unref)

/* (element-type LodgeFinding), lent */
GPtrArray *lodge_host_report_get_findings (LodgeHostReport *self);
LodgeAccelerator lodge_host_report_get_accelerator (LodgeHostReport *self);
LodgeSandbox lodge_host_report_get_sandbox (LodgeHostReport *self);
/* The facts of Host1.Check, as a{sv}; floating never, transfer full. */
GVariant *lodge_host_report_dup_facts (LodgeHostReport *self);

/* What the QEMU side knows and the host side may not ask for itself (it stands above host/). */
typedef struct {
  const char *qemu_binary; /* NULL: none installed */
  const char *qemu_version;
} LodgeHostQemuFacts;

/* Measures everything; never fails. @qemu is copied. */
void lodge_host_check_async (const LodgeHostQemuFacts *qemu,
                             gboolean fresh,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
/* Returns: (transfer full) */
LodgeHostReport *lodge_host_check_finish (GAsyncResult *result);

G_END_DECLS
