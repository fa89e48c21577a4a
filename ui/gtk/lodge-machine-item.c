/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One row of the engine's compact list of machines. */
#include "gtk/lodge-machine-item.h"

struct _LodgeMachineItem {
  GObject parent_instance;

  char *uuid;
  char *name;
  char *sort_key;
  char *os;
  char *note;
  char *failure; /* or NULL */
  char *encryption;
  gboolean disposable;
  LodgeMachineState state;
  guint memory_mib;
  guint cpus;
  guint64 thumbnail_serial;
  guint64 fetched_serial;
  GdkPaintable *thumbnail;
  LodgeJob1 *work;
  int n_clones;
};

G_DEFINE_FINAL_TYPE (LodgeMachineItem, lodge_machine_item, G_TYPE_OBJECT)

enum {
  PROP_0,
  PROP_UUID,
  PROP_NAME,
  PROP_OS,
  PROP_NOTE,
  PROP_ENCRYPTION,
  PROP_DISPOSABLE,
  PROP_STATE,
  PROP_MEMORY_MIB,
  PROP_CPUS,
  PROP_THUMBNAIL_SERIAL,
  PROP_THUMBNAIL,
  PROP_WORK,
  PROP_CLONED,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

static void
lodge_machine_item_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LodgeMachineItem *self = LODGE_MACHINE_ITEM (object);

  switch (id) {
  case PROP_UUID:
    g_value_set_string (value, self->uuid);
    break;
  case PROP_NAME:
    g_value_set_string (value, self->name);
    break;
  case PROP_OS:
    g_value_set_string (value, self->os);
    break;
  case PROP_NOTE:
    g_value_set_string (value, lodge_machine_item_get_note (self));
    break;
  case PROP_ENCRYPTION:
    g_value_set_string (value, self->encryption);
    break;
  case PROP_DISPOSABLE:
    g_value_set_boolean (value, self->disposable);
    break;
  case PROP_STATE:
    g_value_set_uint (value, self->state);
    break;
  case PROP_MEMORY_MIB:
    g_value_set_uint (value, self->memory_mib);
    break;
  case PROP_CPUS:
    g_value_set_uint (value, self->cpus);
    break;
  case PROP_THUMBNAIL_SERIAL:
    g_value_set_uint64 (value, self->thumbnail_serial);
    break;
  case PROP_THUMBNAIL:
    g_value_set_object (value, self->thumbnail);
    break;
  case PROP_WORK:
    g_value_set_object (value, self->work);
    break;
  case PROP_CLONED:
    g_value_set_boolean (value, self->n_clones > 0);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_machine_item_finalize (GObject *object)
{
  LodgeMachineItem *self = LODGE_MACHINE_ITEM (object);

  g_free (self->uuid);
  g_free (self->name);
  g_free (self->sort_key);
  g_free (self->os);
  g_free (self->note);
  g_free (self->failure);
  g_free (self->encryption);
  g_clear_object (&self->thumbnail);
  g_clear_object (&self->work);

  G_OBJECT_CLASS (lodge_machine_item_parent_class)->finalize (object);
}

static void
lodge_machine_item_class_init (LodgeMachineItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = lodge_machine_item_get_property;
  object_class->finalize = lodge_machine_item_finalize;

  properties[PROP_UUID] = g_param_spec_string ("uuid", NULL, NULL, "", flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, "", flags);
  properties[PROP_OS] = g_param_spec_string ("os", NULL, NULL, "", flags);
  properties[PROP_NOTE] = g_param_spec_string ("note", NULL, NULL, "", flags);
  properties[PROP_ENCRYPTION] = g_param_spec_string ("encryption", NULL, NULL, "", flags);
  properties[PROP_DISPOSABLE] = g_param_spec_boolean ("disposable", NULL, NULL, FALSE, flags);
  properties[PROP_STATE] =
      g_param_spec_uint ("state", NULL, NULL, LODGE_MACHINE_STATE_UNKNOWN,
                         LODGE_N_MACHINE_STATES - 1, LODGE_MACHINE_STATE_UNKNOWN, flags);
  properties[PROP_MEMORY_MIB] =
      g_param_spec_uint ("memory-mib", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_CPUS] = g_param_spec_uint ("cpus", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_THUMBNAIL_SERIAL] =
      g_param_spec_uint64 ("thumbnail-serial", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_THUMBNAIL] =
      g_param_spec_object ("thumbnail", NULL, NULL, GDK_TYPE_PAINTABLE, flags);
  properties[PROP_WORK] = g_param_spec_object ("work", NULL, NULL, LODGE_TYPE_JOB1, flags);
  properties[PROP_CLONED] = g_param_spec_boolean ("cloned", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
lodge_machine_item_init (LodgeMachineItem *self)
{
}

LodgeMachineItem *
lodge_machine_item_new (GVariant *row)
{
  LodgeMachineItem *self = g_object_new (LODGE_TYPE_MACHINE_ITEM, NULL);

  g_return_val_if_fail (g_variant_is_of_type (row, G_VARIANT_TYPE (LODGE_MACHINE_ITEM_ROW_TYPE)),
                        self);

  g_variant_get_child (row, 0, "s", &self->uuid);
  lodge_machine_item_update (self, row);
  return self;
}

static void
take_text (LodgeMachineItem *self, char **field, const char *text, guint property)
{
  if (g_strcmp0 (*field, text) == 0)
    return;

  g_free (*field);
  *field = g_strdup (text);
  if (property == PROP_NAME) {
    g_free (self->sort_key);
    self->sort_key = g_utf8_collate_key_for_filename (text, -1);
  }
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
take_number (LodgeMachineItem *self, guint *field, guint number, guint property)
{
  if (*field == number)
    return;

  *field = number;
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

void
lodge_machine_item_update (LodgeMachineItem *self, GVariant *row)
{
  const char *uuid, *name, *state, *os, *note, *encryption;
  guint memory_mib, cpus;
  guint64 serial;
  gboolean disposable;

  g_return_if_fail (LODGE_IS_MACHINE_ITEM (self));
  g_return_if_fail (g_variant_is_of_type (row, G_VARIANT_TYPE (LODGE_MACHINE_ITEM_ROW_TYPE)));

  g_variant_get (row, "(&s&s&s&s&suut&sb)", &uuid, &name, &state, &os, &note, &memory_mib, &cpus,
                 &serial, &encryption, &disposable);
  g_return_if_fail (g_strcmp0 (uuid, self->uuid) == 0);

  g_object_freeze_notify (G_OBJECT (self));
  take_text (self, &self->name, name, PROP_NAME);
  take_text (self, &self->os, os, PROP_OS);
  take_text (self, &self->note, note, PROP_NOTE);
  take_text (self, &self->encryption, encryption, PROP_ENCRYPTION);
  if (self->disposable != disposable) {
    self->disposable = disposable;
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DISPOSABLE]);
  }
  /* What came of the job itself has come before its end. */
  if (self->state != lodge_machine_state_from_text (state))
    lodge_machine_item_set_failure (self, NULL);
  take_number (self, &self->state, lodge_machine_state_from_text (state), PROP_STATE);
  take_number (self, &self->memory_mib, memory_mib, PROP_MEMORY_MIB);
  take_number (self, &self->cpus, cpus, PROP_CPUS);
  if (self->thumbnail_serial != serial) {
    self->thumbnail_serial = serial;
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THUMBNAIL_SERIAL]);
    /* An engine that has only now found a running guest has no picture of it yet; until it has,
     * ours is the best there is. */
    if (serial == 0)
      lodge_machine_item_set_thumbnail (
          self,
          lodge_machine_state_get_can (self->state) & LODGE_MACHINE_CAN_SHOW ? self->thumbnail
                                                                             : NULL,
          0);
  }
  g_object_thaw_notify (G_OBJECT (self));
}

const char *
lodge_machine_item_get_uuid (LodgeMachineItem *self)
{
  return self->uuid;
}

const char *
lodge_machine_item_get_name (LodgeMachineItem *self)
{
  return self->name;
}

const char *
lodge_machine_item_get_sort_key (LodgeMachineItem *self)
{
  return self->sort_key;
}

const char *
lodge_machine_item_get_os (LodgeMachineItem *self)
{
  return self->os;
}

const char *
lodge_machine_item_get_note (LodgeMachineItem *self)
{
  return *self->note == '\0' && self->failure != NULL ? self->failure : self->note;
}

const char *
lodge_machine_item_get_encryption (LodgeMachineItem *self)
{
  return self->encryption;
}

gboolean
lodge_machine_item_get_disposable (LodgeMachineItem *self)
{
  return self->disposable;
}

LodgeMachineState
lodge_machine_item_get_state (LodgeMachineItem *self)
{
  return self->state;
}

guint
lodge_machine_item_get_memory_mib (LodgeMachineItem *self)
{
  return self->memory_mib;
}

guint
lodge_machine_item_get_cpus (LodgeMachineItem *self)
{
  return self->cpus;
}

guint64
lodge_machine_item_get_thumbnail_serial (LodgeMachineItem *self)
{
  return self->thumbnail_serial;
}

GdkPaintable *
lodge_machine_item_get_thumbnail (LodgeMachineItem *self)
{
  return self->thumbnail;
}

guint64
lodge_machine_item_get_fetched_serial (LodgeMachineItem *self)
{
  return self->fetched_serial;
}

void
lodge_machine_item_set_thumbnail (LodgeMachineItem *self, GdkPaintable *thumbnail, guint64 serial)
{
  g_return_if_fail (LODGE_IS_MACHINE_ITEM (self));

  self->fetched_serial = serial;
  if (g_set_object (&self->thumbnail, thumbnail))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THUMBNAIL]);
}

LodgeJob1 *
lodge_machine_item_get_work (LodgeMachineItem *self)
{
  return self->work;
}

void
lodge_machine_item_set_work (LodgeMachineItem *self, LodgeJob1 *work)
{
  g_return_if_fail (LODGE_IS_MACHINE_ITEM (self));

  if (work != NULL)
    lodge_machine_item_set_failure (self, NULL);
  if (g_set_object (&self->work, work))
    lodge_machine_item_work_changed (self);
}

void
lodge_machine_item_set_failure (LodgeMachineItem *self, const char *failure)
{
  g_return_if_fail (LODGE_IS_MACHINE_ITEM (self));

  take_text (self, &self->failure, failure, PROP_NOTE);
}

void
lodge_machine_item_work_changed (LodgeMachineItem *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_WORK]);
}

gboolean
lodge_machine_item_get_cloned (LodgeMachineItem *self)
{
  return self->n_clones > 0;
}

void
lodge_machine_item_add_clone (LodgeMachineItem *self, int n)
{
  const gboolean before = self->n_clones > 0;

  /* The list may have had another item for it when the clone was begun. */
  self->n_clones = MAX (self->n_clones + n, 0);
  if (before != (self->n_clones > 0))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLONED]);
}
