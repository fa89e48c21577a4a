/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a folder comes into a guest: the choice, what it costs, and why there may be none. */
#include "gtk/lodge-folder-method-row.h"

#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-shared-window.h"

#include <glib/gi18n-lib.h>

#define KEY "sharing.folder-method"
/* A computer that is looked at for the first time is measured. */
#define CHECK_LIMIT_MS 60000

enum {
  WEBDAV,
  VIRTIOFS,
};

struct _LodgeFolderMethodRow {
  AdwComboRow parent_instance;

  LodgeConsoleMachine *machine;
  void (*failed) (GtkWindow *);
  GCancellable *asking;
  gboolean asked;
  char *problem; /* why virtiofs cannot be chosen; "" where it can, NULL while that is not known */
  gboolean updating;
};

G_DEFINE_FINAL_TYPE (LodgeFolderMethodRow, lodge_folder_method_row, ADW_TYPE_COMBO_ROW)

static gboolean
is_virtiofs (LodgeFolderMethodRow *self)
{
  return g_str_equal (lodge_shared_lookup (self->machine, KEY), "virtiofs");
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeFolderMethodRow) self = user_data;
  g_autoptr (GVariant) findings = NULL;
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GVariant) answer =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  const char *problem = NULL;

  g_clear_object (&self->asking);
  if (self->machine == NULL)
    return;
  if (answer == NULL) {
    /* The next engine is asked. */
    self->asked = FALSE;
    return;
  }
  g_variant_get (answer, "(@a(ssss)@a{sv})", &findings, &facts);
  /* An engine from before does not know of it. */
  if (!g_variant_lookup (facts, "virtiofs", "&s", &problem))
    problem = _ ("The engine that runs is an older one, which cannot do it");
  self->problem = g_strdup (problem);
  lodge_folder_method_row_update (self);
}

static void
ask (LodgeFolderMethodRow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);

  if (self->asked || machine == NULL)
    return;
  self->asked = TRUE;
  self->asking = g_cancellable_new ();
  g_dbus_connection_call (
      g_dbus_proxy_get_connection (G_DBUS_PROXY (machine)), NULL, LODGE_CLIENT_HOST_PATH,
      "org.lodgevm.Host1", "Check", g_variant_new ("(b)", FALSE), G_VARIANT_TYPE ("(a(ssss)a{sv})"),
      G_DBUS_CALL_FLAGS_NONE, CHECK_LIMIT_MS, self->asking, checked_cb, g_object_ref (self));
}

static void
selected_cb (LodgeFolderMethodRow *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (self->updating || root == NULL)
    return;
  lodge_set_keys (
      GTK_WINDOW (root), lodge_console_machine_get_machine (self->machine),
      _ ("Could Not Change What Is Shared"), self->failed, KEY,
      adw_combo_row_get_selected (ADW_COMBO_ROW (self)) == VIRTIOFS ? "virtiofs" : "webdav", NULL);
}

void
lodge_folder_method_row_update (LodgeFolderMethodRow *self)
{
  const gboolean there = lodge_console_machine_get_machine (self->machine) != NULL;
  const gboolean virtiofs = is_virtiofs (self);
  const gboolean possible = self->problem != NULL && *self->problem == '\0';
  const char *words;

  ask (self);
  self->updating = TRUE;
  if (there)
    adw_combo_row_set_selected (ADW_COMBO_ROW (self), virtiofs ? VIRTIOFS : WEBDAV);
  self->updating = FALSE;
  /* Back it goes everywhere. */
  gtk_widget_set_sensitive (GTK_WIDGET (self), there && (possible || virtiofs));
  if (!possible && self->problem != NULL)
    words = self->problem;
  else if (virtiofs)
    words = _ ("While the guest runs with it no snapshot can be taken, and the guest cannot be "
               "suspended to disk");
  else if (possible)
    words = _ ("virtiofs is faster, but while the guest runs with it no snapshot can be taken, and "
               "the guest cannot be suspended to disk");
  else
    words = "";
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), words);
}

const char *
lodge_folder_method_row_get_instruction (LodgeFolderMethodRow *self)
{
  if (is_virtiofs (self))
    return _ (
        "A Linux guest has it after “mount -t virtiofs lodge /mnt”; Windows needs WinFsp and "
        "the VirtIO-FS service from the virtio drivers. Unmount it in the guest before anything "
        "is changed here: the guest's programs lose it at once.");
  return _ ("The guest opens it at http://localhost:9843/, and needs spice-webdavd for that.");
}

static void
lodge_folder_method_row_dispose (GObject *object)
{
  LodgeFolderMethodRow *self = LODGE_FOLDER_METHOD_ROW (object);

  g_cancellable_cancel (self->asking);
  g_clear_object (&self->machine);
  /* The list may tell of its end. */
  self->updating = TRUE;
  G_OBJECT_CLASS (lodge_folder_method_row_parent_class)->dispose (object);
}

static void
lodge_folder_method_row_finalize (GObject *object)
{
  LodgeFolderMethodRow *self = LODGE_FOLDER_METHOD_ROW (object);

  g_clear_object (&self->asking);
  g_free (self->problem);
  G_OBJECT_CLASS (lodge_folder_method_row_parent_class)->finalize (object);
}

static void
lodge_folder_method_row_class_init (LodgeFolderMethodRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_folder_method_row_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_folder_method_row_finalize;
}

/* ---- the value, which libadwaita cuts to "…" beside a long subtitle: its own label takes no room
 * that others want */

static void
setup_value_cb (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
  gtk_list_item_set_child (item, gtk_label_new (NULL));
}

static void
bind_value_cb (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
  gtk_label_set_text (GTK_LABEL (gtk_list_item_get_child (item)),
                      gtk_string_object_get_string (gtk_list_item_get_item (item)));
}

static void
show_whole_value (LodgeFolderMethodRow *self)
{
  g_autoptr (GtkListItemFactory) value = gtk_signal_list_item_factory_new ();

  g_signal_connect (value, "setup", G_CALLBACK (setup_value_cb), NULL);
  g_signal_connect (value, "bind", G_CALLBACK (bind_value_cb), NULL);
  /* The list keeps what marks the one that is chosen. */
  adw_combo_row_set_list_factory (ADW_COMBO_ROW (self),
                                  adw_combo_row_get_factory (ADW_COMBO_ROW (self)));
  adw_combo_row_set_factory (ADW_COMBO_ROW (self), value);
}

static void
lodge_folder_method_row_init (LodgeFolderMethodRow *self)
{
  g_autoptr (GtkStringList) methods = gtk_string_list_new (NULL);

  /* In the order of the enum; names that nobody translates. */
  gtk_string_list_append (methods, "WebDAV");
  gtk_string_list_append (methods, "virtiofs");
  show_whole_value (self);
  self->updating = TRUE;
  adw_combo_row_set_model (ADW_COMBO_ROW (self), G_LIST_MODEL (methods));
  self->updating = FALSE;
  /* The engine's words are text. */
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), _ ("Shared By"));
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (self), 0);
  g_signal_connect (self, "notify::selected", G_CALLBACK (selected_cb), NULL);
}

GtkWidget *
lodge_folder_method_row_new (LodgeConsoleMachine *machine, void (*failed) (GtkWindow *))
{
  LodgeFolderMethodRow *self = g_object_new (LODGE_TYPE_FOLDER_METHOD_ROW, NULL);

  self->machine = g_object_ref (machine);
  self->failed = failed;
  return GTK_WIDGET (self);
}
