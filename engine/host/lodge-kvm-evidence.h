/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was found out about KVM, and what follows from it.
 *
 * Two sources: the kernel's files (which modules are loaded, what it says of the CPU) and the lines
 * that lodge-kvm-probe printed. The verdict is a function of the two and of nothing else.
 */
#pragma once

#include "host/lodge-accelerator.h"

#include <glib.h>

G_BEGIN_DECLS

/* Below this a KVM is an emulator. Emulators measured: 3.6 million instructions a second. Hardware:
 * the loop instruction alone takes up to 7 cycles on Intel's cores (Agner Fog's instruction
 * tables), so that even a 1 GHz one is above 250 million, and usual ones run 1,000 to 4,000
 * million. */
#define LODGE_KVM_HARDWARE_INSTRUCTIONS_PER_SECOND 100000000

/* From /proc and /sys. */
typedef struct {
  char *cpu_model;      /* "" unknown */
  gboolean cpu_flag;    /* the kernel shows vmx or svm */
  gboolean cpu_amd;     /* the maker's word for it is SVM, AMD-V */
  gboolean virtual;     /* this computer is itself a virtual machine */
  char *virtual_vendor; /* "QEMU", "" unknown */
  gboolean container;
  gboolean device; /* /dev/kvm is there */
  gboolean module_kvm;
  char *module_vendor;       /* "kvm_intel", "kvm_amd" when loaded, else "" */
  gboolean module_installed; /* /lib/modules has kvm's modules for this kernel, or it is built in */
  char *other_hypervisor;    /* "VirtualBox (vboxdrv)", "" none loaded */
  gboolean group_kvm;        /* the group exists */
  gboolean in_group_kvm;     /* and lists this user */
  char *kernel;              /* release and version */
} LodgeKvmHost;

LodgeKvmHost *lodge_kvm_host_read (void);
void lodge_kvm_host_free (LodgeKvmHost *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeKvmHost, lodge_kvm_host_free)

/* From lodge-kvm-probe. A number that was not printed is -1. */
typedef struct {
  gint64 cpu_vmx;
  gint64 cpu_svm;
  gint64 open;
  gint64 api;
  gint64 api_version;
  gint64 create_vm;
  gint64 memory;
  gint64 create_vcpu;
  gint64 cpuid;
  gint64 registers;
  gint64 running;
  gint64 run;
  gint64 exit_reason;
  gint64 instructions_per_second;
  gint64 end;
} LodgeKvmProbe;

/* Takes whatever was printed: unknown, cut and broken lines are passed over, the first line of a
 * name counts. @text need not be valid UTF-8. */
LodgeKvmProbe lodge_kvm_probe_parse (const char *text, gsize length);

/* Never fails. */
LodgeAccelerator lodge_kvm_judge (const LodgeKvmHost *host, const LodgeKvmProbe *probe);

/* One sentence, and what to do about it ("" when there is nothing). */
void lodge_kvm_describe (const LodgeKvmHost *host,
                         const LodgeAccelerator *accelerator,
                         char **out_sentence,
                         char **out_advice);

/* The name in the facts of Host1.Check: "ok", "cpu", "firmware" ... */
const char *lodge_kvm_verdict_get_name (LodgeKvmVerdict verdict);

G_END_DECLS
