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
} LodgeKvmVerdict;

typedef struct {
  LodgeAcceleratorKind kind;
  LodgeKvmVerdict verdict;
  guint64 instructions_per_second; /* 0 when nothing ran */
} LodgeAccelerator;

/**
 * lodge_accelerator_measure_async:
 * @fresh: measure even if a result for this kernel and CPU is kept
 *
 * Runs a tiny 64-bit guest through the KVM API in a child process (libexec lodge-kvm-probe) with a
 * limit of 800 ms. Never fails: what cannot be measured is TCG with the reason.
 */
void lodge_accelerator_measure_async (gboolean fresh,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
LodgeAccelerator lodge_accelerator_measure_finish (GAsyncResult *result);

G_END_DECLS
