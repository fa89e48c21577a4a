/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys of machine.ini: one table that reading, writing, `set`, `list`, completion and the
 * manual page all use. */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

/* A kind of section: "[machine]" there is once, "[disk.ID]" once for each disk. */
typedef enum {
  LODGE_SECTION_MACHINE,
  LODGE_SECTION_FIRMWARE,
  LODGE_SECTION_TPM,
  LODGE_SECTION_BOOT,
  LODGE_SECTION_DISPLAY,
  LODGE_SECTION_SHARING,
  LODGE_SECTION_TERMINAL,
  LODGE_SECTION_SNAPSHOTS,
  LODGE_SECTION_DISK,
  LODGE_SECTION_LAYER,
  LODGE_SECTION_NIC,
  LODGE_SECTION_MEDIA,
  LODGE_SECTION_STICK,
  LODGE_SECTION_SNAPSHOT,
  LODGE_N_SECTIONS,
} LodgeSectionKind;

typedef struct {
  const char *name;
  gsize array_offset; /* of the GPtrArray in LodgeDescription; used when item_size is not 0 */
  gsize item_size;    /* 0: the section is there once and its values are in LodgeDescription */
  const char *summary;
} LodgeSection;

/* What a value is, and the C type that holds it. */
typedef enum {
  LODGE_KEY_VERSION,      /* not in the description */
  LODGE_KEY_TEXT,         /* char *; maximum: characters */
  LODGE_KEY_WORD,         /* char *; letters, digits, '.', '-', '_'; maximum: characters */
  LODGE_KEY_UUID,         /* char * */
  LODGE_KEY_NAME,         /* char *; lodge_name_check() */
  LODGE_KEY_ID,           /* char *; the id of a section */
  LODGE_KEY_CHOICE,       /* an enum whose values are the places in choices */
  LODGE_KEY_CHOICE_TEXT,  /* char *; one of choices */
  LODGE_KEY_NUMBER,       /* guint */
  LODGE_KEY_MEMORY,       /* guint, MiB; minimum, maximum: MiB */
  LODGE_KEY_VIDEO_MEMORY, /* guint64, MiB; minimum, maximum: MiB */
  LODGE_KEY_SIZE,         /* guint64, bytes */
  LODGE_KEY_BOOLEAN,      /* gboolean */
  LODGE_KEY_MAC,          /* char * */
  LODGE_KEY_HOST_FILE,    /* char *; absolute */
  LODGE_KEY_OWN_FILE,     /* char *; relative to the machine's folder and in it */
  LODGE_KEY_ANY_FILE,     /* char *; either of the two */
  LODGE_KEY_FORWARDS,     /* char **; written as a ';'-separated list */
  LODGE_KEY_IDS,          /* char **; ids of sections, in the same way */
  LODGE_KEY_TIME,         /* gint64, seconds since 1970; written as ISO 8601 in UTC */
} LodgeKeyType;

typedef enum {
  LODGE_KEY_SETTABLE = 1 << 0, /* `set` may change it */
  LODGE_KEY_NULLABLE = 1 << 1, /* empty is NULL in C, not "" */
} LodgeKeyFlags;

typedef struct {
  LodgeSectionKind section;
  const char *name;
  LodgeKeyType type;
  gsize offset;         /* in LodgeDescription, or in the section's item */
  const char *fallback; /* text of the default; NULL: the key must be there */
  guint64 minimum;
  guint64 maximum;
  const char *const *choices; /* NULL-terminated */
  LodgeKeyFlags flags;
  const char *summary; /* one sentence, untranslated: show it through gettext */
} LodgeKey;

/* Lent, in the order of machine.ini. */
const LodgeKey *lodge_keys_get (guint *out_n_keys);
const LodgeSection *lodge_section_get (LodgeSectionKind kind);
/* LODGE_N_SECTIONS when there is none. @length: of @name, or -1. */
LodgeSectionKind lodge_section_find (const char *name, gssize length);
/* Lent, or NULL. */
const LodgeKey *lodge_key_find (LodgeSectionKind section, const char *name);

/* What is allowed, as the end of a sentence: "a whole number from 1 to 255". Transfer full. */
char *lodge_key_dup_requirement (const LodgeKey *key);
/* Reads @text ("" is the default) into @item; FALSE, with @item unchanged, when not allowed. */
gboolean lodge_key_parse (const LodgeKey *key, const char *text, gpointer item);
/* The value in @item as text. Transfer full. */
char *lodge_key_format (const LodgeKey *key, gconstpointer item);

/* An item of a section that is there several times: LodgeDisk, LodgeLayer, ... The id is its first
 * field; other values are defaults. */
gpointer lodge_section_item_new (LodgeSectionKind kind, const char *id);
void lodge_section_item_free (LodgeSectionKind kind, gpointer item);
/* The array of items. Lent. */
GPtrArray *lodge_section_get_items (LodgeSectionKind kind, const LodgeDescription *description);
gpointer lodge_section_find_item (LodgeSectionKind kind,
                                  const LodgeDescription *description,
                                  const char *id);
/* Devices and layers share one space of names, since QEMU's device and node names do. */
gboolean lodge_section_is_id_taken (const LodgeDescription *description, const char *id);

/* Copies or frees the values of all keys of @kind. */
void lodge_section_copy_values (LodgeSectionKind kind, gconstpointer from, gpointer to);
void lodge_section_clear_values (LodgeSectionKind kind, gpointer item);

/* 1 to 24 letters, digits, '-' and '_', a letter first: with "-file" behind it still a node name of
 * QEMU, which has at most 31 characters (QEMU, include/block/block_int-common.h). */
gboolean lodge_id_is_valid (const char *id);
#define LODGE_ID_LENGTH 24

G_END_DECLS
