/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Features of the running kernel, found by trying them. */
#include "host/lodge-host-kernel.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

gboolean
lodge_host_has_io_uring (void)
{
  struct io_uring_params params = {0};
  int fd = (int) syscall (SYS_io_uring_setup, 1, &params);

  if (fd < 0)
    return FALSE;
  close (fd);
  return TRUE;
}

gboolean
lodge_host_has_kvm_hyperv (void)
{
  /* What the list of hv-* needs (target/i386/kvm/kvm.c in QEMU, kvm_hyperv_properties). */
  static const int needed[] = {KVM_CAP_HYPERV,          KVM_CAP_HYPERV_TIME,
                               KVM_CAP_HYPERV_SYNIC,    KVM_CAP_HYPERV_VP_INDEX,
                               KVM_CAP_HYPERV_TLBFLUSH, KVM_CAP_HYPERV_SEND_IPI};
  int fd = open ("/dev/kvm", O_RDWR | O_CLOEXEC);
  gboolean all = fd >= 0;

  for (guint i = 0; all && i < G_N_ELEMENTS (needed); i++)
    all = ioctl (fd, KVM_CHECK_EXTENSION, needed[i]) > 0;
  if (fd >= 0)
    close (fd);
  return all;
}
