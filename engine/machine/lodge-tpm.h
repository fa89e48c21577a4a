/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's TPM: the process swtpm beside QEMU. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_tpm_start:
 * @machine_folder: has the TPM's log
 * @state_name: the folder in it that the state is kept in, made where missing
 * @runtime_folder: the machine's; the socket is made in it and is there when this returns
 * @unit: the systemd scope
 * @key_fd: (transfer full): where the 32 bytes that its state is encrypted with can be read, or -1
 *
 * The process ends when QEMU closes the connection.
 *
 * Returns: (transfer full): the socket's path, or %NULL with %LODGE_ERROR_HOST (swtpm is not
 *   installed), %LODGE_ERROR_DENIED, %LODGE_ERROR_FAILED
 */
char *lodge_tpm_start (const char *machine_folder,
                       const char *state_name,
                       const char *runtime_folder,
                       const char *unit,
                       gboolean contained,
                       int key_fd,
                       GError **error);

/* Ends a TPM that no QEMU has connected to; does nothing where there is none. */
void lodge_tpm_stop (const char *runtime_folder);

G_END_DECLS
