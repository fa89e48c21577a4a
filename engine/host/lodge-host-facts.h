/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything the host check found out, before it is put in words. */
#pragma once

#include "host/lodge-accelerator.h"
#include "host/lodge-host-check.h"
#include "host/lodge-host-sandbox.h"
#include "host/lodge-kvm-evidence.h"

#include <glib.h>

G_BEGIN_DECLS

/* Memory of this computer, or of the control group that holds us where that has less. */
typedef struct {
  guint64 total_bytes;
  guint64 available_bytes;
  gboolean limited; /* by a control group */
} LodgeHostMemory;

LodgeHostMemory lodge_host_memory_read (void);

typedef struct {
  /* Asked of others */
  LodgeAccelerator accelerator;
  LodgeHostSandbox *sandbox;
  char *qemu_binary; /* NULL: none */
  char *qemu_version;

  /* Read by lodge_host_facts_read() */
  LodgeKvmHost *kvm;
  gboolean nested;
  guint iommu_groups;
  gboolean iommu_table;   /* the firmware describes an IOMMU (ACPI tables DMAR, IVRS) */
  gboolean iommu_refused; /* the kernel's command line switches it off */
  LodgeHostMemory memory;
  char *firmware_uefi; /* the descriptor's title, NULL: none */
  char *firmware_secure;
  gboolean swtpm;
  GPtrArray *render_nodes; /* paths; NULL: none */
  char *render_problem;    /* why, where there is a card all the same */
  gboolean io_uring;
  gboolean io_uring_disabled; /* by the sysctl */
} LodgeHostFacts;

/* Blocking, a few milliseconds. */
void lodge_host_facts_read (LodgeHostFacts *self);
void lodge_host_facts_clear (LodgeHostFacts *self);

/* Puts the facts in words. Transfer full. */
LodgeHostReport *lodge_host_report_new (const LodgeHostFacts *facts);

/* lodge-host-findings.c: the findings in the order in which they are shown (element-type
 * LodgeFinding). Transfer full. */
GPtrArray *lodge_host_findings_new (const LodgeHostFacts *facts);

G_END_DECLS
