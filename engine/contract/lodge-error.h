/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The errors that cross the contract: one code per thing the user can do next. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * LodgeError:
 * @LODGE_ERROR_FAILED: nothing more exact is known; the message says what happened
 * @LODGE_ERROR_NOT_FOUND: no such machine, file, device or key: check the name
 * @LODGE_ERROR_EXISTS: the name is taken: choose another
 * @LODGE_ERROR_INVALID: a value is not allowed: the message says which are
 * @LODGE_ERROR_STATE: not possible in this state: the message says in which it is
 * @LODGE_ERROR_HOST: this computer lacks something: the message says what to install or change
 * @LODGE_ERROR_STORAGE: a disk is full, unreadable or not an image
 * @LODGE_ERROR_DENIED: no permission
 * @LODGE_ERROR_CANCELLED: the user stopped it; everything is as before
 * @LODGE_ERROR_TIMEOUT: no answer in time
 * @LODGE_ERROR_BUSY: somebody holds it: have them let go, or use force where that can be
 * @LODGE_ERROR_LOCKED: an encrypted machine's passphrase is needed: unlock it, and try again
 *
 * On the wire a code is `org.lodgevm.Error.<Code>`; GDBus translates both ways once
 * lodge_error_quark() has been called in the process.
 */
typedef enum {
  LODGE_ERROR_FAILED,
  LODGE_ERROR_NOT_FOUND,
  LODGE_ERROR_EXISTS,
  LODGE_ERROR_INVALID,
  LODGE_ERROR_STATE,
  LODGE_ERROR_HOST,
  LODGE_ERROR_STORAGE,
  LODGE_ERROR_DENIED,
  LODGE_ERROR_CANCELLED,
  LODGE_ERROR_TIMEOUT,
  LODGE_ERROR_BUSY,
  LODGE_ERROR_LOCKED,
} LodgeError;

#define LODGE_ERROR (lodge_error_quark ())
GQuark lodge_error_quark (void);

G_END_DECLS
