/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The errors that cross the contract, with their names on the wire. */
#include "lodge-error.h"

#include <gio/gio.h>

static const GDBusErrorEntry entries[] = {
    {LODGE_ERROR_FAILED, "org.lodgevm.Error.Failed"},
    {LODGE_ERROR_NOT_FOUND, "org.lodgevm.Error.NotFound"},
    {LODGE_ERROR_EXISTS, "org.lodgevm.Error.Exists"},
    {LODGE_ERROR_INVALID, "org.lodgevm.Error.Invalid"},
    {LODGE_ERROR_STATE, "org.lodgevm.Error.State"},
    {LODGE_ERROR_HOST, "org.lodgevm.Error.Host"},
    {LODGE_ERROR_STORAGE, "org.lodgevm.Error.Storage"},
    {LODGE_ERROR_DENIED, "org.lodgevm.Error.Denied"},
    {LODGE_ERROR_CANCELLED, "org.lodgevm.Error.Cancelled"},
    {LODGE_ERROR_TIMEOUT, "org.lodgevm.Error.Timeout"},
    {LODGE_ERROR_BUSY, "org.lodgevm.Error.Busy"},
    {LODGE_ERROR_LOCKED, "org.lodgevm.Error.Locked"},
};
G_STATIC_ASSERT (G_N_ELEMENTS (entries) == LODGE_ERROR_LOCKED + 1);

GQuark
lodge_error_quark (void)
{
  static gsize quark = 0;

  g_dbus_error_register_error_domain ("lodge-error-quark", &quark, entries, G_N_ELEMENTS (entries));
  return (GQuark) quark;
}
