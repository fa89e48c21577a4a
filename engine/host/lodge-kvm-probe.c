/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a tiny 64-bit guest through the KVM API and prints how far it came and how fast it was.
 *
 * A program of its own, because KVM_RUN of a kernel that only pretends may never return: who
 * started it reads what was printed so far and kills it. Links to nothing but the C library.
 *
 * Prints one "NAME NUMBER" line per fact, each as soon as it is known:
 *
 *   cpu-vmx, cpu-svm, cpu-hypervisor   bits of CPUID itself, whatever the kernel makes of them:
 *                                      Linux hides vmx and svm when the firmware locked them away
 *   open, api, create-vm, memory,      errno of each step, 0 for success; the first step that
 *   create-vcpu, cpuid, registers      fails is the last of them
 *   api-version                        what KVM_GET_API_VERSION said
 *   running 1                          KVM_RUN begins
 *   run                                errno of KVM_RUN
 *   exit-reason                        printed only when the guest stopped for another reason
 *                                      than its own port write (linux/kvm.h, KVM_EXIT_*)
 *   instructions-per-second            of the best round so far, after each round
 *   end 1                              nothing follows
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <linux/kvm.h>

#define MEMORY_BYTES 0x10000
#define GDT_ADDRESS  0x1000
#define PML4_ADDRESS 0x2000
#define PDPT_ADDRESS 0x3000
#define PD_ADDRESS   0x4000
#define CODE_ADDRESS 0x8000

/* Control register, EFER and page-table bits: Intel SDM volume 3, sections 2.5, 2.2.1 and 4.5. */
#define CR0_PE        (1u << 0)
#define CR0_ET        (1u << 4)
#define CR0_NE        (1u << 5)
#define CR0_PG        (1u << 31)
#define CR4_PAE       (1u << 5)
#define EFER_LME      (1u << 8)
#define EFER_LMA      (1u << 10)
#define PAGE_PRESENT  (1u << 0)
#define PAGE_WRITE    (1u << 1)
#define PAGE_LARGE    (1u << 7)
#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x10
#define TSS_SELECTOR  0x18

/* AMD APM volume 3, appendix E.4.2: the leaf, and its bit in EDX. */
#define CPUID_EXTENDED  0x80000001u
#define CPUID_LONG_MODE (1u << 29)

/* Ten rounds of 100,000 turns of the loop: a round is below 0.2 ms on hardware, so that at least
 * one of them is not interrupted on a busy computer, and the best one counts. */
#define ROUNDS                10
#define TURNS                 100000
#define INSTRUCTIONS_PER_TURN 2
/* An emulator that ran 3.6 million instructions a second needs 55 ms for a round; after this much
 * time more rounds tell nothing new. */
#define ENOUGH_NS 200000000ll
/* In case whoever started us died: seconds until SIGALRM ends this process. */
#define OWN_LIMIT_S 3

static const uint8_t guest_code[] = {
    0xb9,
    TURNS & 0xff,
    (TURNS >> 8) & 0xff,
    (TURNS >> 16) & 0xff,
    0x00, /* again: mov ecx, TURNS */
    0x48,
    0x83,
    0xc0,
    0x01, /* turn: add rax, 1 */
    0xe2,
    0xfa, /*       loop turn */
    0xe6,
    0x80, /*       out 0x80, al */
    0xeb,
    0xf1, /*       jmp again */
};

static void
say (const char *name, long long value)
{
  printf ("%s %lld\n", name, value);
  fflush (stdout);
}

/* Prints the errno of a step; whether it worked. */
static int
step (const char *name, int result)
{
  say (name, result < 0 ? errno : 0);
  return result >= 0;
}

static void
say_cpu (void)
{
  unsigned int a = 0, b = 0, c = 0, d = 0;

  /* Intel SDM volume 2, CPUID: leaf 1, ECX bit 5 (VMX) and bit 31 (a hypervisor is there, by
   * convention). AMD APM volume 3: leaf 8000_0001h, ECX bit 2 (SVM). */
  if (__get_cpuid (1, &a, &b, &c, &d)) {
    say ("cpu-vmx", (c >> 5) & 1);
    say ("cpu-hypervisor", (c >> 31) & 1);
  }
  if (__get_cpuid (0x80000001, &a, &b, &c, &d))
    say ("cpu-svm", (c >> 2) & 1);
}

static void
fill_memory (uint8_t *memory)
{
  /* Flat 64-bit code, flat data, and a TSS (two entries); Intel SDM volume 3, section 3.4.5. */
  static const uint64_t gdt[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00008b0000000067, 0};
  const uint64_t pml4 = PDPT_ADDRESS | PAGE_PRESENT | PAGE_WRITE;
  const uint64_t pdpt = PD_ADDRESS | PAGE_PRESENT | PAGE_WRITE;
  const uint64_t pd = PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE; /* 2 MiB from 0 */

  memcpy (memory + GDT_ADDRESS, gdt, sizeof gdt);
  memcpy (memory + PML4_ADDRESS, &pml4, sizeof pml4);
  memcpy (memory + PDPT_ADDRESS, &pdpt, sizeof pdpt);
  memcpy (memory + PD_ADDRESS, &pd, sizeof pd);
  memcpy (memory + CODE_ADDRESS, guest_code, sizeof guest_code);
}

/* A processor that has long mode: Linux 6.12.118 refuses to switch on what the processor has not,
 * and one that nothing was said of has nothing; older kernels do not look. */
static int
set_cpuid (int vcpu)
{
  union {
    struct kvm_cpuid2 cpuid;
    uint8_t bytes[sizeof (struct kvm_cpuid2) + sizeof (struct kvm_cpuid_entry2)];
  } one;

  memset (&one, 0, sizeof one);
  one.cpuid.nent = 1;
  one.cpuid.entries[0].function = CPUID_EXTENDED;
  one.cpuid.entries[0].edx = CPUID_LONG_MODE;
  return ioctl (vcpu, KVM_SET_CPUID2, &one.cpuid);
}

static int
set_registers (int vcpu)
{
  const struct kvm_segment code = {.limit = 0xffffffff,
                                   .selector = CODE_SELECTOR,
                                   .type = 11,
                                   .present = 1,
                                   .s = 1,
                                   .l = 1,
                                   .g = 1};
  const struct kvm_segment data = {.limit = 0xffffffff,
                                   .selector = DATA_SELECTOR,
                                   .type = 3,
                                   .present = 1,
                                   .s = 1,
                                   .db = 1,
                                   .g = 1};
  const struct kvm_segment tss = {
      .limit = 0x67, .selector = TSS_SELECTOR, .type = 11, .present = 1};
  struct kvm_regs regs = {.rip = CODE_ADDRESS, .rflags = 2};
  struct kvm_sregs sregs;

  if (ioctl (vcpu, KVM_GET_SREGS, &sregs) < 0)
    return -1;

  sregs.gdt.base = GDT_ADDRESS;
  sregs.gdt.limit = 5 * 8 - 1;
  sregs.cr3 = PML4_ADDRESS;
  sregs.cr4 = CR4_PAE;
  sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
  sregs.efer = EFER_LME | EFER_LMA;
  sregs.cs = code;
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
  sregs.tr = tss;

  if (ioctl (vcpu, KVM_SET_SREGS, &sregs) < 0)
    return -1;
  return ioctl (vcpu, KVM_SET_REGS, &regs);
}

static long long
now_ns (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void
run_rounds (int vcpu, struct kvm_run *run)
{
  struct kvm_regs regs;
  long long begin = now_ns ();
  long long best_ns = 0;

  say ("running", 1);
  for (int round = 1; round <= ROUNDS && now_ns () - begin < ENOUGH_NS; round++) {
    long long round_begin = now_ns ();
    long long round_ns;

    if (ioctl (vcpu, KVM_RUN, 0) < 0) {
      step ("run", -1);
      return;
    }
    round_ns = now_ns () - round_begin;

    if (run->exit_reason != KVM_EXIT_IO) {
      say ("run", 0);
      say ("exit-reason", run->exit_reason);
      return;
    }
    /* A guest that did not count did not run, however quick its answer. */
    if (ioctl (vcpu, KVM_GET_REGS, &regs) < 0 || regs.rax != (uint64_t) round * TURNS) {
      say ("run", EIO);
      return;
    }

    if (round_ns < 1)
      round_ns = 1;
    if (best_ns == 0 || round_ns < best_ns)
      best_ns = round_ns;
    say ("instructions-per-second",
         (long long) TURNS * INSTRUCTIONS_PER_TURN * 1000000000ll / best_ns);
  }
  say ("run", 0);
}

static void
measure (const char *device)
{
  struct kvm_userspace_memory_region region = {.slot = 0, .memory_size = MEMORY_BYTES};
  struct kvm_run *run;
  uint8_t *memory;
  int kvm, vm, vcpu, run_bytes;

  kvm = open (device, O_RDWR | O_CLOEXEC);
  if (!step ("open", kvm))
    return;

  run_bytes = ioctl (kvm, KVM_GET_API_VERSION, 0);
  if (!step ("api", run_bytes))
    return;
  say ("api-version", run_bytes);
  if (run_bytes != KVM_API_VERSION)
    return;

  /* QEMU asks again when a signal came between, which enabling the CPUs' extension answers with. */
  do
    vm = ioctl (kvm, KVM_CREATE_VM, 0);
  while (vm < 0 && errno == EINTR);
  if (!step ("create-vm", vm))
    return;

  memory = mmap (NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    step ("memory", -1);
    return;
  }
  fill_memory (memory);
  region.userspace_addr = (uintptr_t) memory;
  if (!step ("memory", ioctl (vm, KVM_SET_USER_MEMORY_REGION, &region)))
    return;

  vcpu = ioctl (vm, KVM_CREATE_VCPU, 0);
  if (!step ("create-vcpu", vcpu))
    return;
  if (!step ("cpuid", set_cpuid (vcpu)))
    return;
  run_bytes = ioctl (kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (run_bytes < (int) sizeof *run) {
    say ("registers", EINVAL);
    return;
  }
  run = mmap (NULL, run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  if (!step ("registers", run == MAP_FAILED ? -1 : set_registers (vcpu)))
    return;

  run_rounds (vcpu, run);
}

int
main (int argc, char **argv)
{
  alarm (OWN_LIMIT_S);
  say_cpu ();
  measure (argc > 1 ? argv[1] : "/dev/kvm");
  say ("end", 1);
  return 0;
}

#else

/* The guest above speaks x86 only. */
int
main (void)
{
  printf ("open %d\nend 1\n", ENOSYS);
  return 0;
}

#endif
