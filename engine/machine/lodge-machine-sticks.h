/* SPDX-License-Identifier: GPL-3.0-or-later */
/* USB sticks made of images: a job's work each, whose end is the caller's. */
#pragma once

#include "machine/lodge-machine.h"

G_BEGIN_DECLS

/**
 * lodge_machine_plug_stick_async:
 * @path: of an image: a raw one, or a CD's or DVD's
 *
 * A stick with what is in the image, which the guest can only read. One that runs or is paused gets
 * it at once; it stays plugged in at later starts. Its result is the stick's id. Finish with
 * lodge_machine_disk_finish().
 *
 * Errors: %LODGE_ERROR_STATE, %LODGE_ERROR_INVALID (also: there are as many as there can be;
 * another format), %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE,
 * %LODGE_ERROR_FAILED with QEMU's words.
 */
void lodge_machine_plug_stick_async (LodgeMachine *self,
                                     LodgeJob *job,
                                     const char *path,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);

/**
 * lodge_machine_unplug_stick_async:
 * @stick: its id
 *
 * It goes, as one that is pulled out: the guest is not asked. Finish with
 * lodge_machine_disk_finish().
 *
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_STATE, %LODGE_ERROR_STORAGE, %LODGE_ERROR_FAILED.
 */
void lodge_machine_unplug_stick_async (LodgeMachine *self,
                                       LodgeJob *job,
                                       const char *stick,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);

G_END_DECLS
