/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which accelerator this computer really has: measured, never taken from a name. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_ACCELERATOR_TCG,
  LODGE_ACCELERATOR_KVM,
} LodgeAcceleratorKind;

/* Why KVM is not used; one row each in the host check's table. */
typedef enum {
  LODGE_KVM_OK,
  LODGE_KVM_NO_CPU,     /* the CPU lacks vmx/svm */
  LODGE_KVM_FIRMWARE,   /* the CPU has it, the computer's set-up has switched it off */
  LODGE_KVM_MODULE,     /* kvm_intel or kvm_amd is not loaded */
  LODGE_KVM_PERMISSION, /* /dev/kvm is there and may not be opened */
  LODGE_KVM_BUSY,       /* another hypervisor holds the CPU */
  LODGE_KVM_EMULATED,   /* it opens, and is an instruction emulator */
  LODGE_KVM_ABSENT,     /* no /dev/kvm, for another reason (container, missing kernel option) */
  LODGE_KVM_FAILED,     /* a step that should work did not, or nothing could be measured */
} LodgeKvmVerdict;

typedef struct {
  LodgeAcceleratorKind kind;
  LodgeKvmVerdict verdict;
  guint64 instructions_per_second; /* 0 when nothing ran */
  const char *failed_step; /* the step that KVM refused ("KVM_CREATE_VM"), or NULL; static */
  int failed_errno;        /* what it said, 0 when it said nothing */
} LodgeAccelerator;

/**
 * lodge_accelerator_measure_async:
 * @fresh: measure even if a result for this kernel and CPU is kept
 *
 * Runs a tiny 64-bit guest through the KVM API in a child process (libexec lodge-kvm-probe, from
 * $LODGE_LIBEXECDIR when that is set) with a limit of 800 ms. Never fails: what cannot be measured
 * is TCG with the reason.
 *
 * Only "works" and "is emulated" are kept for later, the first only as long as /dev/kvm may be
 * opened and no other hypervisor's module is loaded: everything else can change without a restart.
 */
void lodge_accelerator_measure_async (gboolean fresh,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
LodgeAccelerator lodge_accelerator_measure_finish (GAsyncResult *result);

/* For tests alone: another limit than 800 ms, so that no verdict hangs on how busy a computer is.
 */
void lodge_accelerator_set_limit_for_tests (guint limit_ms);

G_END_DECLS
