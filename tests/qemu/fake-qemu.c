/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A LodgeQemu that is told what it can do. */
#include "fake-qemu.h"

struct _LodgeQemu {
  GObject parent_instance;
  char *binary;
  char *version;
  char *machine;
  char *missing;
  guint major, minor;
  gboolean spice;
};

G_DEFINE_TYPE (LodgeQemu, lodge_qemu, G_TYPE_OBJECT)

static void
lodge_qemu_finalize (GObject *object)
{
  LodgeQemu *self = LODGE_QEMU (object);

  g_free (self->binary);
  g_free (self->version);
  g_free (self->machine);
  g_free (self->missing);
  G_OBJECT_CLASS (lodge_qemu_parent_class)->finalize (object);
}

static void
lodge_qemu_class_init (LodgeQemuClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_qemu_finalize;
}

static void
lodge_qemu_init (LodgeQemu *self)
{
  self->version = g_strdup ("7.2.22");
  self->machine = g_strdup ("pc-q35-7.2");
  self->major = 7;
  self->minor = 2;
  self->spice = TRUE;
}

LodgeQemu *
fake_qemu_new (const char *binary)
{
  LodgeQemu *self = g_object_new (LODGE_TYPE_QEMU, NULL);

  self->binary = g_strdup (binary);
  return self;
}

void
fake_qemu_set_missing (LodgeQemu *self, const char *device)
{
  g_free (self->missing);
  self->missing = g_strdup (device);
}

void
fake_qemu_set_version (LodgeQemu *self, guint major, guint minor)
{
  self->major = major;
  self->minor = minor;
  g_free (self->version);
  self->version = g_strdup_printf ("%u.%u.0", major, minor);
}

void
fake_qemu_set_spice (LodgeQemu *self, gboolean spice)
{
  self->spice = spice;
}

void
fake_qemu_set_machine (LodgeQemu *self, const char *machine)
{
  g_free (self->machine);
  self->machine = g_strdup (machine);
}

const char *
lodge_qemu_get_binary (LodgeQemu *self)
{
  return self->binary;
}

const char *
lodge_qemu_get_version (LodgeQemu *self)
{
  return self->version;
}

gboolean
lodge_qemu_has_version (LodgeQemu *self, guint major, guint minor)
{
  return self->major > major || (self->major == major && self->minor >= minor);
}

const char *
lodge_qemu_resolve_machine (LodgeQemu *self, const char *alias)
{
  return g_str_equal (alias, "q35") ? self->machine : NULL;
}

gboolean
lodge_qemu_has_machine (LodgeQemu *self, const char *machine)
{
  return g_strcmp0 (machine, self->machine) == 0;
}

gboolean
lodge_qemu_has_device (LodgeQemu *self, const char *device)
{
  return g_strcmp0 (device, self->missing) != 0;
}

gboolean
lodge_qemu_has_dbus_display (LodgeQemu *self)
{
  return self->spice;
}

gboolean
lodge_qemu_has_spice (LodgeQemu *self)
{
  return self->spice;
}
