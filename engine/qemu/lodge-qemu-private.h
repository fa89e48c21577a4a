/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the halves of LodgeQemu share: the facts (lodge-qemu.c), asking for them
 * (lodge-qemu-probe.c), keeping them (lodge-qemu-cache.c). */
#pragma once

#include "qemu/lodge-qemu.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Nothing is known of it yet. */
LodgeQemu *lodge_qemu_new (const char *binary);

/* Each takes in one answer; %LODGE_ERROR_FAILED when it has another shape than QEMU's. */
gboolean lodge_qemu_read_version (LodgeQemu *self, JsonNode *answer, GError **error);
gboolean lodge_qemu_read_machines (LodgeQemu *self, JsonNode *answer, GError **error);
gboolean lodge_qemu_read_devices (LodgeQemu *self, JsonNode *answer, GError **error);
gboolean lodge_qemu_read_chardevs (LodgeQemu *self, JsonNode *answer, GError **error);

/* All that is known of it, and back; NULL when @object has another shape. */
JsonObject *lodge_qemu_save (LodgeQemu *self);
LodgeQemu *lodge_qemu_load (const char *binary, JsonObject *object);

/* All of these block for as long as a disk takes: for a thread. */

/* What changes when @binary or its modules do; NULL when there is no such file. */
char *lodge_qemu_cache_identify (const char *binary);
/* NULL when nothing is kept for @binary, or what is kept is of another identity, version or shape.
 */
LodgeQemu *lodge_qemu_cache_read (const char *binary, const char *identity);
/* When that fails it is only logged: the next probe asks QEMU again. */
void lodge_qemu_cache_write (LodgeQemu *self, const char *identity);

/* How long QEMU may take to greet, and for each answer. Only tests change it. */
extern guint lodge_qemu_probe_limit_ms;

G_END_DECLS
