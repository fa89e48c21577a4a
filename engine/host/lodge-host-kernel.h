/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Features of the running kernel that the command line of a machine asks for. All answer at once.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether an io_uring can really be opened: the call is missing in old kernels, switched off by
 * kernel.io_uring_disabled on some, and filtered in most containers. */
gboolean lodge_host_has_io_uring (void);

/* Whether KVM here knows the Hyper-V enlightenments that Windows is given. QEMU ends with an error
 * when one of them is missing (kernels without CONFIG_KVM_HYPERV). FALSE without /dev/kvm. */
gboolean lodge_host_has_kvm_hyperv (void);

G_END_DECLS
