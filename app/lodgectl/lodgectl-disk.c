/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for a machine's disks. */
#include "lodge-size.h"
#include "lodge-words.h"
#include "lodgectl-handlers.h"
#include "lodgectl-print.h"
#include "lodgectl-wait.h"

#include <glib/gi18n.h>

/* Of the second argument. */
static const char *
check_disk (LodgectlRun *run, GError **error)
{
  const char *disk = lodgectl_run_get_argument (run, 1);

  if (g_utf8_validate (disk, -1, NULL))
    return disk;
  lodgectl_set_usage_error (error, _ ("The id of a disk must be UTF-8"));
  return NULL;
}

static GVariant *
list_disks (LodgectlRun *run, LodgeMachine1 *machine, GError **error)
{
  GVariant *disks = NULL;

  if (!lodgectl_run_check (run, lodge_machine1_call_list_disks_sync (machine, &disks, NULL, error),
                           error))
    return NULL;
  return disks;
}

static guint64
get_number (GVariant *row, const char *key)
{
  guint64 number = 0;

  g_variant_lookup (row, key, "t", &number);
  return number;
}

/* An engine that does not say so knows no others. */
static gboolean
is_attached (GVariant *row)
{
  gboolean attached = TRUE;

  g_variant_lookup (row, "attached", "b", &attached);
  return attached;
}

gboolean
lodgectl_disk_list (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autoptr (LodgectlTable) table = lodgectl_table_new (6);
  g_autoptr (GVariant) disks = machine != NULL ? list_disks (run, machine, error) : NULL;

  if (disks == NULL)
    return FALSE;
  if (lodgectl_run_has_option (run, "json")) {
    lodgectl_print_variant (disks);
    return TRUE;
  }
  if (lodgectl_run_has_option (run, "names")) {
    lodgectl_print_names (disks, "id");
    return TRUE;
  }
  for (gsize i = 0; i < g_variant_n_children (disks); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (disks, i);
    g_autofree char *size = lodge_size_format (get_number (row, "size"));
    g_autofree char *bytes = g_format_size_full (get_number (row, "used"), G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *used = g_strdup_printf (_ ("%s used"), bytes);
    g_autofree char *layers = NULL;
    guint32 n_layers = 0;
    gboolean host = FALSE;

    g_variant_lookup (row, "layers", "u", &n_layers);
    g_variant_lookup (row, "host", "b", &host);
    layers = host ? g_strdup (lodgectl_get_string (row, "file"))
                  : g_strdup_printf (
                        g_dngettext (GETTEXT_PACKAGE, "%u layer", "%u layers", n_layers), n_layers);
    lodgectl_table_add (table, (const char *[]){lodgectl_get_string (row, "id"),
                                                lodgectl_get_string (row, "bus"), size, used,
                                                layers, is_attached (row) ? "" : _ ("detached")});
  }
  lodgectl_table_print (table);
  return TRUE;
}

/* It takes only what is written to it; but that there is less than it could take should be known.
 */
static void
print_room (GVariant *disks, const char *disk)
{
  for (gsize i = 0; i < g_variant_n_children (disks); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (disks, i);
    guint64 size = get_number (row, "size");
    guint64 used = get_number (row, "used");
    guint64 room = get_number (row, "room");
    g_autofree char *free_bytes = g_format_size_full (room, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *line = NULL;

    if (!g_str_equal (lodgectl_get_string (row, "id"), disk) || size <= used || size - used <= room)
      continue;
    line = g_strdup_printf (
        _ ("This computer has only %s free for it: a guest that fills the disk will stand still."),
        free_bytes);
    lodgectl_print_line (line);
  }
}

static gboolean
parse_size (const char *text, guint64 *out_bytes, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (lodge_size_parse (text, out_bytes, &cause))
    return TRUE;
  lodgectl_set_usage_error (error, "%s", cause->message);
  return FALSE;
}

gboolean
lodgectl_disk_add (LodgectlRun *run, GError **error)
{
  const char *size_text = lodgectl_run_get_argument (run, 1);
  const char *bus = lodgectl_run_get_option (run, "bus");
  const char *from = lodgectl_run_get_option (run, "from");
  const char *host_disk = lodgectl_run_get_option (run, "host-disk");
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autofree char *path = NULL;
  g_autofree char *id = NULL;
  GVariantBuilder options;
  guint64 size = 0;

  if (host_disk != NULL && (size_text != NULL || from != NULL)) {
    lodgectl_set_usage_error (
        error, _ ("A disk of this computer (--host-disk) has its own size, and nothing is copied"));
    return FALSE;
  }
  if (host_disk != NULL && !g_utf8_validate (host_disk, -1, NULL)) {
    lodgectl_set_usage_error (error, _ ("--%s must be UTF-8"), "host-disk");
    return FALSE;
  }
  if (host_disk != NULL && !lodgectl_run_has_option (run, "yes")) {
    lodgectl_set_usage_error (
        error,
        _ ("The guest could destroy all that is on %s: add --yes where it may "
           "(lodgectl host-disks says which disk that is)"),
        host_disk);
    return FALSE;
  }
  if (size_text == NULL && from == NULL && host_disk == NULL) {
    lodgectl_set_usage_error (error, _ ("An empty disk needs a SIZE, such as 40G"));
    return FALSE;
  }
  if ((size_text != NULL && !parse_size (size_text, &size, error)) ||
      (from != NULL && (path = lodgectl_dup_path ("from", from, error)) == NULL))
    return FALSE;
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (bus != NULL)
    g_variant_builder_add (&options, "{sv}", "bus", g_variant_new_string (bus));
  if (from != NULL)
    g_variant_builder_add (&options, "{sv}", "from", g_variant_new_string (path));
  if (host_disk != NULL) {
    g_variant_builder_add (&options, "{sv}", "host-disk", g_variant_new_string (host_disk));
    g_variant_builder_add (&options, "{sv}", "accepted", g_variant_new_boolean (TRUE));
  }
  id = lodgectl_run_job (run, G_DBUS_PROXY (machine), "AddDisk",
                         g_variant_new ("(ta{sv})", size, &options), error);
  if (id == NULL)
    return FALSE;

  if (lodgectl_run_has_option (run, "json"))
    lodgectl_print_variant (g_variant_new_parsed ("{'id': <%s>}", id));
  else
    lodgectl_print_line (id);
  return TRUE;
}

gboolean
lodgectl_disk_grow (LodgectlRun *run, GError **error)
{
  const char *disk = check_disk (run, error);
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autoptr (GVariant) disks = NULL;
  g_autofree char *result = NULL;
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  const char *os = NULL;
  GVariant *description;
  guint64 size;

  if (disk == NULL)
    return FALSE;
  if (!parse_size (lodgectl_run_get_argument (run, 2), &size, error))
    return FALSE;
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  result = lodgectl_run_job (run, G_DBUS_PROXY (machine), "GrowDisk",
                             g_variant_new ("(st)", disk, size), error);
  if (result == NULL)
    return FALSE;

  size = g_ascii_strtoull (result, NULL, 10);
  if (lodgectl_run_has_option (run, "json")) {
    lodgectl_print_variant (g_variant_new_parsed ("{'id': <%s>, 'size': <%t>}", disk, size));
    return TRUE;
  }
  text = lodge_size_format (size);
  description = lodge_machine1_get_description (machine);
  if (description != NULL)
    g_variant_lookup (description, "machine.os", "&s", &os);
  /* Translators: a disk, its size, and a sentence on what the guest has to do then. */
  line = g_strdup_printf (_ ("%s has %s now. %s"), disk, text, lodge_words_after_growing (os));
  lodgectl_print_line (line);
  /* That it has grown is what was asked for. */
  disks = list_disks (run, machine, NULL);
  if (disks != NULL)
    print_room (disks, disk);
  return TRUE;
}

/* The guest starts from the first that it has. */
static gboolean
is_first (GVariant *disks, const char *disk)
{
  for (gsize i = 0; i < g_variant_n_children (disks); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (disks, i);

    if (is_attached (row))
      return g_str_equal (lodgectl_get_string (row, "id"), disk);
  }
  return FALSE;
}

/* A slip of the fingers must not cost the system. @kept: it is only detached */
static gboolean
check_confirmed (
    LodgectlRun *run, LodgeMachine1 *machine, const char *disk, gboolean kept, GError **error)
{
  const char *name = lodge_machine1_get_name (machine);
  g_autoptr (GVariant) disks = NULL;

  if (lodgectl_run_has_option (run, "yes"))
    return TRUE;
  disks = list_disks (run, machine, error);
  if (disks == NULL)
    return FALSE;
  if (!is_first (disks, disk))
    return TRUE;
  if (kept)
    lodgectl_set_usage_error (error, _ ("“%s” starts from %s: to detach that, add --yes"), name,
                              disk);
  else
    lodgectl_set_usage_error (error,
                              _ ("“%s” starts from %s: to remove that, with all that is on it, add "
                                 "--yes"),
                              name, disk);
  return FALSE;
}

static GVariant *
new_first (LodgectlRun *run)
{
  return g_variant_new_parsed ("{'first': <%b>}", lodgectl_run_has_option (run, "yes"));
}

/* The path of what is written to, or "". Transfer full. */
static char *
dup_file (GVariant *disks, const char *disk)
{
  for (gsize i = 0; i < g_variant_n_children (disks); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (disks, i);

    if (g_str_equal (lodgectl_get_string (row, "id"), disk))
      return g_strdup (lodgectl_get_string (row, "file"));
  }
  return g_strdup ("");
}

gboolean
lodgectl_disk_remove (LodgectlRun *run, GError **error)
{
  const char *disk = check_disk (run, error);
  g_autoptr (LodgeMachine1) machine = disk != NULL ? lodgectl_run_open (run, error) : NULL;
  const gboolean json = lodgectl_run_has_option (run, "json");
  g_autoptr (GVariant) disks = NULL;
  g_autofree char *nothing = NULL;

  if (machine == NULL || !check_confirmed (run, machine, disk, FALSE, error))
    return FALSE;
  /* Afterwards nobody knows where it was. */
  if (json && (disks = list_disks (run, machine, error)) == NULL)
    return FALSE;
  nothing = lodgectl_run_job (run, G_DBUS_PROXY (machine), "RemoveDisk",
                              g_variant_new ("(s@a{sv})", disk, new_first (run)), error);
  if (nothing == NULL)
    return FALSE;
  if (json) {
    g_autofree char *file = dup_file (disks, disk);

    lodgectl_print_variant (g_variant_new_parsed ("{'id': <%s>, 'file': <%s>}", disk, file));
  }
  return TRUE;
}

/* Says what it is by now. */
static gboolean
change_attached (LodgectlRun *run,
                 LodgeMachine1 *machine,
                 const char *method,
                 GVariant *arguments,
                 gboolean attached,
                 GError **error)
{
  g_autofree char *nothing =
      lodgectl_run_job (run, G_DBUS_PROXY (machine), method, arguments, error);

  if (nothing == NULL)
    return FALSE;
  if (lodgectl_run_has_option (run, "json"))
    lodgectl_print_variant (g_variant_new_parsed ("{'id': <%s>, 'attached': <%b>}",
                                                  lodgectl_run_get_argument (run, 1), attached));
  return TRUE;
}

gboolean
lodgectl_disk_detach (LodgectlRun *run, GError **error)
{
  const char *disk = check_disk (run, error);
  g_autoptr (LodgeMachine1) machine = disk != NULL ? lodgectl_run_open (run, error) : NULL;

  return machine != NULL && check_confirmed (run, machine, disk, TRUE, error) &&
         change_attached (run, machine, "DetachDisk",
                          g_variant_new ("(s@a{sv})", disk, new_first (run)), FALSE, error);
}

gboolean
lodgectl_disk_attach (LodgectlRun *run, GError **error)
{
  const char *disk = check_disk (run, error);
  g_autoptr (LodgeMachine1) machine = disk != NULL ? lodgectl_run_open (run, error) : NULL;

  return machine != NULL &&
         change_attached (run, machine, "AttachDisk", g_variant_new ("(s)", disk), TRUE, error);
}

gboolean
lodgectl_disk_compact (LodgectlRun *run, GError **error)
{
  const char *disk = check_disk (run, error);
  g_autoptr (LodgeMachine1) machine = disk != NULL ? lodgectl_run_open (run, error) : NULL;
  g_autofree char *result = NULL;
  g_autofree char *size = NULL;
  g_autofree char *line = NULL;
  guint64 bytes;

  if (machine == NULL)
    return FALSE;
  result = lodgectl_run_job (run, G_DBUS_PROXY (machine), "CompactDisk",
                             g_variant_new ("(s)", disk), error);
  if (result == NULL)
    return FALSE;
  bytes = g_ascii_strtoull (result, NULL, 10);
  if (lodgectl_run_has_option (run, "json")) {
    lodgectl_print_variant (g_variant_new_parsed ("{'id': <%s>, 'freed': <%t>}", disk, bytes));
    return TRUE;
  }
  size = g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
  line = bytes > 0 ? g_strdup_printf (_ ("%s given back."), size)
                   : g_strdup (_ ("There was nothing to give back."));
  lodgectl_print_line (line);
  return TRUE;
}

gboolean
lodgectl_disk_convert (LodgectlRun *run, GError **error)
{
  const char *disk = check_disk (run, error);
  const char *format = lodgectl_run_get_argument (run, 2);
  const char *file = lodgectl_run_get_argument (run, 3);
  const char *snapshot = lodgectl_run_get_option (run, "snapshot");
  g_autofree char *path = lodgectl_dup_absolute (file);
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autofree char *result = NULL;
  GVariantBuilder options;

  if (disk == NULL)
    return FALSE;
  if (*file == '\0' || !g_utf8_validate (path, -1, NULL)) {
    lodgectl_set_usage_error (error, _ ("FILE must be the path of a file, in UTF-8"));
    return FALSE;
  }
  if (snapshot != NULL && !g_utf8_validate (snapshot, -1, NULL)) {
    lodgectl_set_usage_error (error, _ ("--%s must be UTF-8"), "snapshot");
    return FALSE;
  }
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "replace",
                         g_variant_new_boolean (lodgectl_run_has_option (run, "force")));
  if (snapshot != NULL)
    g_variant_builder_add (&options, "{sv}", "snapshot", g_variant_new_string (snapshot));
  result = lodgectl_run_job (run, G_DBUS_PROXY (machine), "ConvertDisk",
                             g_variant_new ("(sssa{sv})", disk, format, path, &options), error);
  if (result == NULL)
    return FALSE;
  if (lodgectl_run_has_option (run, "json"))
    lodgectl_print_variant (g_variant_new_parsed ("{'file': <%s>, 'bytes': <%t>}", path,
                                                  g_ascii_strtoull (result, NULL, 10)));
  return TRUE;
}
