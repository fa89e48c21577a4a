/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a new machine has: memory, processors, disk, firmware; each may be left to the engine. */
#include "gtk/lodge-hardware-row.h"

#include "lodge-firmware.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#define MIB (1024 * 1024)

/* The fields that a user can have changed, as bits. */
typedef enum {
  FIELD_MEMORY = 1 << 0,
  FIELD_CPUS = 1 << 1,
  FIELD_DISK = 1 << 2,
  FIELD_FIRMWARE = 1 << 3,
  FIELD_TPM = 1 << 4,
} Field;

struct _LodgeHardwareRow {
  AdwExpanderRow parent_instance;

  GtkSpinButton *memory; /* MiB; 0 is automatic, as in the next two */
  GtkSpinButton *cpus;
  GtkWidget *disk_row;
  GtkSpinButton *disk; /* MiB */
  AdwComboRow *firmware;
  GtkSwitch *tpm;

  Field touched;    /* by the user */
  gboolean has_tpm; /* the facts said whether there should be one */
  gboolean filling; /* the changes that are notified now are ours */
};

G_DEFINE_FINAL_TYPE (LodgeHardwareRow, lodge_hardware_row, ADW_TYPE_EXPANDER_ROW)

/* In the order of the combo row's model, behind 0, which is automatic. */
static const LodgeFirmwareKind firmwares[] = {LODGE_FIRMWARE_UEFI, LODGE_FIRMWARE_UEFI_SECURE,
                                              LODGE_FIRMWARE_BIOS};

static char *
dup_size (guint mib)
{
  if (mib == 0)
    return g_strdup (_ ("Automatic"));
  if (mib % 1024 == 0)
    /* Translators: 2^30 bytes. */
    return g_strdup_printf (_ ("%u GiB"), mib / 1024);
  /* Translators: 2^20 bytes. */
  return g_strdup_printf (_ ("%u MiB"), mib);
}

static gboolean
has_new_disk (LodgeHardwareRow *self)
{
  return gtk_widget_get_visible (self->disk_row);
}

static void
show_summary (LodgeHardwareRow *self)
{
  const guint memory = gtk_spin_button_get_value_as_int (self->memory);
  const guint cpus = gtk_spin_button_get_value_as_int (self->cpus);
  const guint disk = gtk_spin_button_get_value_as_int (self->disk);
  g_autoptr (GString) summary = g_string_new (NULL);

  if (memory > 0) {
    g_autofree char *size = dup_size (memory);
    g_string_append_printf (summary, _ ("%s memory"), size);
  }
  if (cpus > 0) {
    g_string_append (summary, summary->len > 0 ? ", " : "");
    g_string_append_printf (summary, ngettext ("%u processor", "%u processors", cpus), cpus);
  }
  if (disk > 0 && has_new_disk (self)) {
    g_autofree char *size = dup_size (disk);
    g_string_append (summary, summary->len > 0 ? ", " : "");
    g_string_append_printf (summary, _ ("%s disk"), size);
  }
  if (summary->len == 0)
    g_string_append (summary, _ ("Chosen to suit the operating system"));

  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self), summary->str);
}

static gboolean
size_output_cb (GtkSpinButton *spin, gpointer user_data)
{
  g_autofree char *text = dup_size (gtk_spin_button_get_value_as_int (spin));

  if (!g_str_equal (text, gtk_editable_get_text (GTK_EDITABLE (spin))))
    gtk_editable_set_text (GTK_EDITABLE (spin), text);
  return TRUE;
}

static gboolean
count_output_cb (GtkSpinButton *spin, gpointer user_data)
{
  const int count = gtk_spin_button_get_value_as_int (spin);
  g_autofree char *text = count == 0 ? g_strdup (_ ("Automatic")) : g_strdup_printf ("%d", count);

  if (!g_str_equal (text, gtk_editable_get_text (GTK_EDITABLE (spin))))
    gtk_editable_set_text (GTK_EDITABLE (spin), text);
  return TRUE;
}

/* "4", "4 GiB", "4G", "1.5g", "512M": a number, and a unit that is GiB where there is none. What is
 * no number is automatic, when it is the word for that, else an error: the old value comes back. */
static int
size_input_cb (GtkSpinButton *spin, double *out_value, gpointer user_data)
{
  g_autofree char *text = g_strdup (gtk_editable_get_text (GTK_EDITABLE (spin)));
  double number, unit;
  char *end;

  g_strstrip (text);
  if (*text == '\0' || g_utf8_collate (text, _ ("Automatic")) == 0) {
    *out_value = 0;
    return TRUE;
  }

  number = g_strtod (text, &end);
  if (end == text || !isfinite (number) || number < 0)
    return GTK_INPUT_ERROR;

  while (g_ascii_isspace (*end))
    end++;
  switch (g_ascii_toupper (*end)) {
  case 'T':
    unit = 1024 * 1024;
    break;
  case '\0':
  case 'G':
    unit = 1024;
    break;
  case 'M':
    unit = 1;
    break;
  default:
    return GTK_INPUT_ERROR;
  }

  *out_value = round (number * unit);
  return TRUE;
}

static int
count_input_cb (GtkSpinButton *spin, double *out_value, gpointer user_data)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (spin));
  char *end;

  if (*text == '\0' || g_utf8_collate (text, _ ("Automatic")) == 0) {
    *out_value = 0;
    return TRUE;
  }

  *out_value = g_ascii_strtoull (text, &end, 10);
  return end != text && *end == '\0' ? TRUE : GTK_INPUT_ERROR;
}

static void
touch (LodgeHardwareRow *self, Field field)
{
  if (!self->filling)
    self->touched |= field;
  show_summary (self);
}

static void
spin_changed_cb (GtkSpinButton *spin, LodgeHardwareRow *self)
{
  touch (self, spin == self->memory ? FIELD_MEMORY : spin == self->cpus ? FIELD_CPUS : FIELD_DISK);
}

static void
firmware_cb (AdwComboRow *row, GParamSpec *pspec, LodgeHardwareRow *self)
{
  touch (self, FIELD_FIRMWARE);
}

static void
tpm_cb (GtkSwitch *tpm, GParamSpec *pspec, LodgeHardwareRow *self)
{
  touch (self, FIELD_TPM);
}

static void
lodge_hardware_row_class_init (LodgeHardwareRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-hardware-row.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeHardwareRow, memory);
  gtk_widget_class_bind_template_child (widget_class, LodgeHardwareRow, cpus);
  gtk_widget_class_bind_template_child (widget_class, LodgeHardwareRow, disk_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeHardwareRow, disk);
  gtk_widget_class_bind_template_child (widget_class, LodgeHardwareRow, firmware);
  gtk_widget_class_bind_template_child (widget_class, LodgeHardwareRow, tpm);
}

static void
set_up_spin (LodgeHardwareRow *self, GtkSpinButton *spin, gboolean is_size)
{
  GtkWidget *text = gtk_widget_get_first_child (GTK_WIDGET (spin));

  /* Enter does what it does in the other fields. */
  while (text != NULL && !GTK_IS_TEXT (text))
    text = gtk_widget_get_next_sibling (text);
  if (text != NULL)
    gtk_text_set_activates_default (GTK_TEXT (text), TRUE);
  g_signal_connect (spin, "output", G_CALLBACK (is_size ? size_output_cb : count_output_cb), NULL);
  g_signal_connect (spin, "input",
                    is_size ? G_CALLBACK (size_input_cb) : G_CALLBACK (count_input_cb), NULL);
  g_signal_connect (spin, "value-changed", G_CALLBACK (spin_changed_cb), self);
  /* The first text comes from "output" too. */
  gtk_spin_button_update (spin);
}

static void
lodge_hardware_row_init (LodgeHardwareRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  set_up_spin (self, self->memory, TRUE);
  set_up_spin (self, self->cpus, FALSE);
  set_up_spin (self, self->disk, TRUE);
  g_signal_connect (self->firmware, "notify::selected", G_CALLBACK (firmware_cb), self);
  g_signal_connect (self->tpm, "notify::active", G_CALLBACK (tpm_cb), self);
  show_summary (self);
}

static void
fill_firmware (LodgeHardwareRow *self, GVariantDict *facts)
{
  const char *name;
  guint selected = 0;

  if (g_variant_dict_lookup (facts, "firmware", "&s", &name)) {
    for (guint i = 0; i < G_N_ELEMENTS (firmwares); i++) {
      if (g_str_equal (name, lodge_firmware_names[firmwares[i]]))
        selected = i + 1;
    }
  }
  adw_combo_row_set_selected (self->firmware, selected);
}

void
lodge_hardware_row_fill (LodgeHardwareRow *self, GVariant *facts)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (facts);
  guint32 memory_mib = 0, cpus = 0;
  guint64 disk_bytes = 0, disk_mib;
  gboolean tpm = FALSE;

  g_return_if_fail (LODGE_IS_HARDWARE_ROW (self));

  g_variant_dict_lookup (&dict, "memory", "u", &memory_mib);
  g_variant_dict_lookup (&dict, "cpus", "u", &cpus);
  g_variant_dict_lookup (&dict, "disk-size", "t", &disk_bytes);
  self->has_tpm = g_variant_dict_lookup (&dict, "tpm", "b", &tpm);

  disk_mib = (disk_bytes + MIB - 1) / MIB;

  self->filling = TRUE;
  if ((self->touched & FIELD_MEMORY) == 0)
    gtk_spin_button_set_value (self->memory, memory_mib);
  if ((self->touched & FIELD_CPUS) == 0)
    gtk_spin_button_set_value (self->cpus, cpus);
  if ((self->touched & FIELD_DISK) == 0)
    gtk_spin_button_set_value (self->disk, disk_mib);
  if ((self->touched & FIELD_FIRMWARE) == 0)
    fill_firmware (self, &dict);
  if ((self->touched & FIELD_TPM) == 0)
    gtk_switch_set_active (self->tpm, tpm);
  self->filling = FALSE;
  show_summary (self);
}

void
lodge_hardware_row_set_new_disk (LodgeHardwareRow *self, gboolean new_disk)
{
  g_return_if_fail (LODGE_IS_HARDWARE_ROW (self));

  gtk_widget_set_visible (self->disk_row, new_disk);
  show_summary (self);
}

void
lodge_hardware_row_add_to_spec (LodgeHardwareRow *self, GVariantDict *spec)
{
  const guint firmware = adw_combo_row_get_selected (self->firmware);
  guint memory, cpus, disk;

  g_return_if_fail (LODGE_IS_HARDWARE_ROW (self));

  /* What is typed and not entered yet counts. */
  gtk_spin_button_update (self->memory);
  gtk_spin_button_update (self->cpus);
  gtk_spin_button_update (self->disk);
  memory = gtk_spin_button_get_value_as_int (self->memory);
  cpus = gtk_spin_button_get_value_as_int (self->cpus);
  disk = gtk_spin_button_get_value_as_int (self->disk);

  if (memory > 0)
    g_variant_dict_insert (spec, "memory", "u", memory);
  if (cpus > 0)
    g_variant_dict_insert (spec, "cpus", "u", cpus);
  if (disk > 0 && has_new_disk (self))
    g_variant_dict_insert (spec, "disk-size", "t", (guint64) disk * MIB);
  if (firmware > 0 && firmware <= G_N_ELEMENTS (firmwares))
    g_variant_dict_insert (spec, "firmware", "s", lodge_firmware_names[firmwares[firmware - 1]]);
  if (self->has_tpm || (self->touched & FIELD_TPM) != 0)
    g_variant_dict_insert (spec, "tpm", "b", gtk_switch_get_active (self->tpm));
}
