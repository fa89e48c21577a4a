/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are copied into the guest, one after the other.
 *
 * One at a time, because each that runs is an open file, and all of them share the one way to the
 * agent anyway.
 */
#include "console/lodge-console-session-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <spice/vd_agent.h>

#define TIME_LIMIT_MS 60000

struct _LodgeConsoleFiles {
  GObject parent_instance;

  SpiceMainChannel *main;
  gboolean available;
  gboolean enabled;
  gboolean paused;
  guint limit_ms;
  GPtrArray *transfers; /* of LodgeConsoleTransfer */
};

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LodgeConsoleFiles,
                               lodge_console_files,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

enum { PROP_0, PROP_AVAILABLE, N_PROPS };
static GParamSpec *properties[N_PROPS];

enum { COPIED, FINISHED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* --- The list --- */

static GType
get_item_type (GListModel *model)
{
  return LODGE_TYPE_CONSOLE_TRANSFER;
}

static guint
get_n_items (GListModel *model)
{
  return LODGE_CONSOLE_FILES (model)->transfers->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  LodgeConsoleFiles *self = LODGE_CONSOLE_FILES (model);

  return position < self->transfers->len ? g_object_ref (self->transfers->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
remove_transfer (LodgeConsoleFiles *self, LodgeConsoleTransfer *transfer)
{
  guint position;

  if (!g_ptr_array_find (self->transfers, transfer, &position))
    return;
  g_signal_handlers_disconnect_by_data (transfer, self);
  g_ptr_array_remove_index (self->transfers, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

/* --- One after the other --- */

static LodgeConsoleTransfer *
find_state (LodgeConsoleFiles *self, LodgeTransferState state)
{
  for (guint i = 0; i < self->transfers->len; i++) {
    LodgeConsoleTransfer *transfer = self->transfers->pdata[i];

    if (lodge_console_transfer_get_state (transfer) == state)
      return transfer;
  }
  return NULL;
}

static void
start_next (LodgeConsoleFiles *self)
{
  LodgeConsoleTransfer *next = find_state (self, LODGE_TRANSFER_WAITING);

  if (next != NULL && self->main != NULL && find_state (self, LODGE_TRANSFER_RUNNING) == NULL)
    lodge_console_transfer_start (next, self->main, self->limit_ms);
}

static void
state_cb (LodgeConsoleTransfer *transfer, GParamSpec *pspec, LodgeConsoleFiles *self)
{
  const LodgeTransferState state = lodge_console_transfer_get_state (transfer);
  G_GNUC_UNUSED g_autoptr (LodgeConsoleTransfer) kept = g_object_ref (transfer);

  if (state < LODGE_TRANSFER_DONE)
    return;
  if (state != LODGE_TRANSFER_FAILED)
    remove_transfer (self, transfer);
  if (state == LODGE_TRANSFER_DONE)
    g_signal_emit (self, signals[COPIED], 0, transfer);
  start_next (self);
  if (lodge_console_files_get_n_unfinished (self) == 0)
    g_signal_emit (self, signals[FINISHED], 0);
}

gboolean
lodge_console_files_send (LodgeConsoleFiles *self, GSList *files, GError **error)
{
  const guint n = g_slist_length (files);
  const guint position = self->transfers->len;

  g_return_val_if_fail (LODGE_IS_CONSOLE_FILES (self), FALSE);

  if (!self->enabled) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_DENIED,
                         _ ("Files are not taken: that is switched off for this machine."));
    return FALSE;
  }
  if (!self->available) {
    gboolean agent = FALSE;

    if (self->main != NULL)
      g_object_get (self->main, "agent-connected", &agent, NULL);
    g_set_error_literal (
        error, LODGE_ERROR, LODGE_ERROR_STATE,
        agent ? _ ("Files cannot be copied into the guest: its agent does not take them.")
              : _ ("Files cannot be copied into the guest: spice-vdagent does not run in it."));
    return FALSE;
  }
  if (n > LODGE_CONSOLE_FILES_MAX - lodge_console_files_get_n_unfinished (self)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("These are %u files: at most %d can be copied at the same time."), n,
                 LODGE_CONSOLE_FILES_MAX);
    return FALSE;
  }

  for (GSList *l = files; l != NULL; l = l->next) {
    LodgeConsoleTransfer *transfer = lodge_console_transfer_new (l->data);

    lodge_console_transfer_set_paused (transfer, self->paused);
    g_signal_connect_object (transfer, "notify::state", G_CALLBACK (state_cb), self, 0);
    g_ptr_array_add (self->transfers, transfer);
  }
  g_list_model_items_changed (G_LIST_MODEL (self), position, 0, n);
  start_next (self);
  return TRUE;
}

void
lodge_console_files_dismiss (LodgeConsoleFiles *self, LodgeConsoleTransfer *transfer)
{
  g_return_if_fail (LODGE_IS_CONSOLE_FILES (self));

  if (lodge_console_transfer_get_state (transfer) == LODGE_TRANSFER_FAILED)
    remove_transfer (self, transfer);
}

guint
lodge_console_files_get_n_unfinished (LodgeConsoleFiles *self)
{
  guint n = 0;

  g_return_val_if_fail (LODGE_IS_CONSOLE_FILES (self), 0);

  for (guint i = 0; i < self->transfers->len; i++)
    n += lodge_console_transfer_get_state (self->transfers->pdata[i]) < LODGE_TRANSFER_DONE;
  return n;
}

/* Each that is not over ends: cancelled, or failed with @sentence. Those that wait first, so that
 * none of them starts. */
static void
end_all (LodgeConsoleFiles *self, const char *sentence)
{
  for (int i = (int) self->transfers->len - 1; i >= 0; i--) {
    LodgeConsoleTransfer *transfer = self->transfers->pdata[i];

    if (sentence != NULL)
      lodge_console_transfer_fail (transfer, sentence);
    else
      lodge_console_transfer_cancel (transfer);
  }
}

void
lodge_console_files_clear (LodgeConsoleFiles *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_FILES (self));

  end_all (self, NULL);
  while (self->transfers->len > 0)
    lodge_console_files_dismiss (self, self->transfers->pdata[0]);
}

/* --- Agent --- */

static void
update_available (LodgeConsoleFiles *self)
{
  gboolean connected = FALSE;

  if (self->main != NULL)
    g_object_get (self->main, "agent-connected", &connected, NULL);
  /* The capability says what an agent refuses. That it has spoken at all is known by another one
   * that every agent has which knows of files. */
  const gboolean available =
      connected &&
      spice_main_channel_agent_test_capability (self->main, VD_AGENT_CAP_CLIPBOARD_BY_DEMAND) &&
      !spice_main_channel_agent_test_capability (self->main, VD_AGENT_CAP_FILE_XFER_DISABLED);
  if (available == self->available)
    return;

  self->available = available;
  if (!available)
    end_all (self, _ ("The file was not copied: the agent in the guest has ended."));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_AVAILABLE]);
}

static void
agent_cb (LodgeConsoleFiles *self)
{
  update_available (self);
}

void
lodge_console_files_set_channel (LodgeConsoleFiles *self, SpiceMainChannel *main)
{
  if (self->main != NULL)
    g_signal_handlers_disconnect_by_data (self->main, self);
  if (main == NULL)
    end_all (self, _ ("The file was not copied: the connection to the guest has ended."));
  g_set_object (&self->main, main);
  if (main != NULL) {
    g_signal_connect_object (main, "main-agent-update", G_CALLBACK (agent_cb), self,
                             G_CONNECT_SWAPPED);
    g_signal_connect_object (main, "notify::agent-connected", G_CALLBACK (agent_cb), self,
                             G_CONNECT_SWAPPED);
  } else {
    update_available (self);
  }
}

gboolean
lodge_console_files_get_available (LodgeConsoleFiles *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_FILES (self), FALSE);
  return self->available;
}

void
lodge_console_files_set_enabled (LodgeConsoleFiles *self, gboolean enabled)
{
  g_return_if_fail (LODGE_IS_CONSOLE_FILES (self));

  self->enabled = enabled;
  if (!enabled)
    end_all (self, NULL);
}

gboolean
lodge_console_files_get_enabled (LodgeConsoleFiles *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_FILES (self), FALSE);
  return self->enabled;
}

void
lodge_console_files_set_paused (LodgeConsoleFiles *self, gboolean paused)
{
  g_return_if_fail (LODGE_IS_CONSOLE_FILES (self));

  self->paused = paused;
  for (guint i = 0; i < self->transfers->len; i++)
    lodge_console_transfer_set_paused (self->transfers->pdata[i], paused);
}

void
lodge_console_files_set_time_limit (LodgeConsoleFiles *self, guint limit_ms)
{
  g_return_if_fail (LODGE_IS_CONSOLE_FILES (self));
  self->limit_ms = limit_ms;
}

/* --- Type --- */

static void
lodge_console_files_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_AVAILABLE)
    g_value_set_boolean (value, LODGE_CONSOLE_FILES (object)->available);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
lodge_console_files_dispose (GObject *object)
{
  LodgeConsoleFiles *self = LODGE_CONSOLE_FILES (object);

  lodge_console_files_set_channel (self, NULL);
  G_OBJECT_CLASS (lodge_console_files_parent_class)->dispose (object);
}

static void
lodge_console_files_finalize (GObject *object)
{
  g_ptr_array_unref (LODGE_CONSOLE_FILES (object)->transfers);
  G_OBJECT_CLASS (lodge_console_files_parent_class)->finalize (object);
}

static void
lodge_console_files_class_init (LodgeConsoleFilesClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = lodge_console_files_get_property;
  object_class->dispose = lodge_console_files_dispose;
  object_class->finalize = lodge_console_files_finalize;

  properties[PROP_AVAILABLE] = g_param_spec_boolean ("available", NULL, NULL, FALSE,
                                                     G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[COPIED] = g_signal_new ("copied", LODGE_TYPE_CONSOLE_FILES, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, LODGE_TYPE_CONSOLE_TRANSFER);
  signals[FINISHED] = g_signal_new ("finished", LODGE_TYPE_CONSOLE_FILES, G_SIGNAL_RUN_LAST, 0,
                                    NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
lodge_console_files_init (LodgeConsoleFiles *self)
{
  self->limit_ms = TIME_LIMIT_MS;
  self->transfers = g_ptr_array_new_with_free_func (g_object_unref);
}

LodgeConsoleFiles *
lodge_console_files_new (void)
{
  return g_object_new (LODGE_TYPE_CONSOLE_FILES, NULL);
}
