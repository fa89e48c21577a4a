/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's own object on the wire (org.lodgevm.Engine1): the list, creating, jobs. */
#include "service/lodge-service-engine.h"

#include "guest/lodge-media.h"
#include "host/lodge-host-disk.h"
#include "lodge-config.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-source-media.h"
#include "machine/lodge-machine-key.h"
#include "service/lodge-service-job.h"
#include "service/lodge-service-machine.h"

#include <glib/gi18n-lib.h>

/* What this build serves; see Engine1.ApiVersion. */
#define API_VERSION 4

struct _LodgeServiceEngine {
  LodgeEngine1Skeleton parent_instance;

  LodgeLibrary *library;
  GHashTable *changed; /* UUIDs to be told about in one go */
  guint changed_idle;
};

static void engine_iface_init (LodgeEngine1Iface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LodgeServiceEngine,
                               lodge_service_engine,
                               LODGE_TYPE_ENGINE1_SKELETON,
                               G_IMPLEMENT_INTERFACE (LODGE_TYPE_ENGINE1, engine_iface_init))

enum { OPEN_MACHINE, QUIT, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
lodge_service_engine_finalize (GObject *object)
{
  LodgeServiceEngine *self = LODGE_SERVICE_ENGINE (object);

  g_clear_handle_id (&self->changed_idle, g_source_remove);
  g_hash_table_unref (self->changed);
  g_clear_object (&self->library);

  G_OBJECT_CLASS (lodge_service_engine_parent_class)->finalize (object);
}

static void
lodge_service_engine_class_init (LodgeServiceEngineClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lodge_service_engine_finalize;

  signals[OPEN_MACHINE] =
      g_signal_new ("open-machine", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                    LODGE_TYPE_MACHINE, G_TYPE_DBUS_CONNECTION);
  signals[QUIT] =
      g_signal_new ("quit", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
lodge_service_engine_init (LodgeServiceEngine *self)
{
  self->changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static GVariant *
make_row (LodgeMachine *machine)
{
  const LodgeDescription *description = lodge_machine_get_description (machine);

  return g_variant_new (
      "(sssssuutsb)", lodge_machine_get_uuid (machine), lodge_machine_get_name (machine),
      lodge_machine_get_state_name (machine), description != NULL ? description->os : "",
      lodge_machine_get_note (machine), description != NULL ? description->memory_mib : 0,
      description != NULL ? description->cpus : 0, lodge_machine_get_thumbnail_serial (machine),
      lodge_machine_get_encryption (machine), lodge_machine_is_disposable (machine));
}

/* A start changes a machine half a dozen times within a turn of the main loop: one row tells it. */
static void
tell_changed (LodgeServiceEngine *self)
{
  /* Looking a machine up may find it edited by hand, which is a change again. */
  g_autoptr (GHashTable) changed = g_steal_pointer (&self->changed);
  GHashTableIter iter;
  gpointer uuid;

  self->changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, changed);
  while (g_hash_table_iter_next (&iter, &uuid, NULL)) {
    LodgeMachine *machine = lodge_library_find (self->library, uuid, NULL);

    if (machine != NULL)
      lodge_engine1_emit_machine_changed (LODGE_ENGINE1 (self), make_row (machine));
  }
}

static gboolean
tell_changed_cb (gpointer user_data)
{
  LodgeServiceEngine *self = user_data;

  self->changed_idle = 0;
  tell_changed (self);
  return G_SOURCE_REMOVE;
}

void
lodge_service_engine_flush (LodgeServiceEngine *self)
{
  g_clear_handle_id (&self->changed_idle, g_source_remove);
  tell_changed (self);
}

static void
machine_changed_cb (LodgeLibrary *library, LodgeMachine *machine, LodgeServiceEngine *self)
{
  g_hash_table_add (self->changed, g_strdup (lodge_machine_get_uuid (machine)));
  if (self->changed_idle == 0)
    self->changed_idle = g_idle_add (tell_changed_cb, self);
}

static void
machine_removed_cb (LodgeLibrary *library, const char *uuid, LodgeServiceEngine *self)
{
  g_hash_table_remove (self->changed, uuid);
  lodge_engine1_emit_machine_removed (LODGE_ENGINE1 (self), uuid);
}

LodgeServiceEngine *
lodge_service_engine_new (LodgeLibrary *library)
{
  LodgeServiceEngine *self = g_object_new (LODGE_TYPE_SERVICE_ENGINE, NULL);

  self->library = g_object_ref (library);
  lodge_engine1_set_api_version (LODGE_ENGINE1 (self), API_VERSION);
  lodge_engine1_set_version (LODGE_ENGINE1 (self), LODGE_VERSION);
  g_signal_connect_object (library, "machine-changed", G_CALLBACK (machine_changed_cb), self, 0);
  g_signal_connect_object (library, "machine-removed", G_CALLBACK (machine_removed_cb), self, 0);
  return self;
}

static gboolean
handle_list_machines (LodgeEngine1 *object, GDBusMethodInvocation *invocation)
{
  GPtrArray *machines = lodge_library_get_machines (LODGE_SERVICE_ENGINE (object)->library);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sssssuutsb)"));
  for (guint i = 0; i < machines->len; i++)
    g_variant_builder_add_value (&builder, make_row (machines->pdata[i]));
  lodge_engine1_complete_list_machines (object, invocation, g_variant_builder_end (&builder));
  return TRUE;
}

static gboolean
handle_open_machine (LodgeEngine1 *object, GDBusMethodInvocation *invocation, const char *name)
{
  LodgeServiceEngine *self = LODGE_SERVICE_ENGINE (object);
  GError *error = NULL;
  LodgeMachine *machine = lodge_library_find (self->library, name, &error);
  g_autofree char *path = NULL;

  if (machine == NULL) {
    g_dbus_method_invocation_take_error (invocation, error);
    return TRUE;
  }
  g_signal_emit (self, signals[OPEN_MACHINE], 0, machine,
                 g_dbus_method_invocation_get_connection (invocation));
  path = lodge_service_machine_dup_path (lodge_machine_get_uuid (machine));
  lodge_engine1_complete_open_machine (object, invocation, path);
  return TRUE;
}

static gboolean
handle_create_machine (LodgeEngine1 *object, GDBusMethodInvocation *invocation, GVariant *spec)
{
  GError *error = NULL;
  LodgeJob *job =
      lodge_library_create_machine (LODGE_SERVICE_ENGINE (object)->library, spec, &error);

  if (job == NULL)
    g_dbus_method_invocation_take_error (invocation, error);
  else
    lodge_engine1_complete_create_machine (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

/* "Debian 12", "Debian 12 2", ... : the first that no machine has. */
static char *
propose_name (LodgeLibrary *library, const char *os_name, const char *path)
{
  g_autofree char *stem = NULL;
  char *name;

  if (os_name[0] != '\0') {
    stem = g_strdup (os_name);
  } else {
    g_autofree char *base = g_path_get_basename (path);
    char *dot = strrchr (base, '.');

    if (dot != NULL && dot != base)
      *dot = '\0';
    stem = lodge_name_check (base, NULL) ? g_strdup (base) : g_strdup (_ ("New machine"));
  }
  name = g_strdup (stem);
  for (guint i = 2; !lodge_library_is_name_free (library, name); i++) {
    g_free (name);
    name = g_strdup_printf ("%s %u", stem, i);
  }
  return name;
}

typedef struct {
  LodgeLibrary *library;
  GDBusMethodInvocation *invocation;
  char *path;
  LodgeSourceKind kind;
} Detect;

static void
detect_free (Detect *detect)
{
  g_object_unref (detect->library);
  g_free (detect->path);
  g_free (detect);
}

static void
defaults_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Detect *detect = user_data;
  g_autoptr (LodgeGuestDefaults) defaults = lodge_guest_defaults_for_here_finish (result);
  g_autofree char *name = propose_name (detect->library, defaults->os_name, detect->path);
  GVariantDict facts;

  g_variant_dict_init (&facts, NULL);
  g_variant_dict_insert (&facts, "kind", "s",
                         detect->kind == LODGE_SOURCE_DISK ? "disk" : "installer");
  g_variant_dict_insert (&facts, "os", "s", defaults->os);
  g_variant_dict_insert (&facts, "os-name", "s", defaults->os_name);
  g_variant_dict_insert (&facts, "name", "s", name);
  g_variant_dict_insert (&facts, "memory", "u", defaults->memory_mib);
  g_variant_dict_insert (&facts, "cpus", "u", defaults->cpus);
  /* A disk has its own size, and shows its firmware once it can be looked into. */
  if (detect->kind != LODGE_SOURCE_DISK) {
    g_variant_dict_insert (&facts, "disk-size", "t", defaults->disk_bytes);
    g_variant_dict_insert (&facts, "firmware", "s", lodge_firmware_names[defaults->firmware]);
  }
  g_variant_dict_insert (&facts, "tpm", "b", defaults->tpm);
  g_dbus_method_invocation_return_value (detect->invocation,
                                         g_variant_new ("(@a{sv})", g_variant_dict_end (&facts)));
  detect_free (detect);
}

/* Takes @detect. */
static void
tell_defaults (Detect *detect, const char *os)
{
  lodge_guest_defaults_for_here_async (os, defaults_cb, detect);
}

static void
detected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Detect *detect = user_data;
  GError *error = NULL;
  g_autofree char *os = lodge_source_media_look_finish (result, &detect->kind, &error);

  if (os != NULL) {
    tell_defaults (detect, os);
  } else {
    g_dbus_method_invocation_take_error (detect->invocation, error);
    detect_free (detect);
  }
}

static gboolean
handle_detect_media (LodgeEngine1 *object, GDBusMethodInvocation *invocation, const char *path)
{
  g_autoptr (LodgeInstaller) installer = lodge_installer_find (path);
  Detect *detect;

  if (installer == NULL && !g_path_is_absolute (path)) {
    g_dbus_method_invocation_return_error (
        invocation, LODGE_ERROR, LODGE_ERROR_INVALID,
        _ ("“%s” is neither a whole path from / nor an installer of this computer"), path);
    return TRUE;
  }
  detect = g_new0 (Detect, 1);
  detect->library = g_object_ref (LODGE_SERVICE_ENGINE (object)->library);
  detect->invocation = invocation;
  detect->path = g_strdup (installer != NULL ? installer->title : path);
  if (installer != NULL)
    tell_defaults (detect, installer->os);
  else
    lodge_source_media_look_async (path, NULL, detected_cb, detect);
  return TRUE;
}

static void
host_disks_listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GPtrArray) rows = g_task_propagate_pointer (G_TASK (result), NULL);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sss)"));
  for (guint i = 0; i + 2 < rows->len; i += 3)
    g_variant_builder_add (&builder, "(sss)", rows->pdata[i], rows->pdata[i + 1],
                           rows->pdata[i + 2]);
  g_dbus_method_invocation_return_value (user_data, g_variant_new ("(a(sss))", &builder));
}

static void
list_host_disks_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, lodge_host_disk_list (data), (GDestroyNotify) g_ptr_array_unref);
}

/* A disk that sleeps must not keep all machines waiting. */
static gboolean
handle_list_host_disks (LodgeEngine1 *object, GDBusMethodInvocation *invocation)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, host_disks_listed_cb, invocation);

  g_task_set_source_tag (task, handle_list_host_disks);
  g_task_set_task_data (task,
                        lodge_library_list_held_disks (LODGE_SERVICE_ENGINE (object)->library),
                        (GDestroyNotify) g_hash_table_unref);
  lodge_task_run_in_thread (task, list_host_disks_thread);
  return TRUE;
}

static gboolean
handle_list_installers (LodgeEngine1 *object, GDBusMethodInvocation *invocation)
{
  g_autoptr (GPtrArray) installers = lodge_installer_list ();
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sss)"));
  for (guint i = 0; i < installers->len; i++) {
    const LodgeInstaller *installer = installers->pdata[i];

    g_variant_builder_add (&builder, "(sss)", installer->id, installer->title, installer->sentence);
  }
  lodge_engine1_complete_list_installers (object, invocation, g_variant_builder_end (&builder));
  return TRUE;
}

static gboolean
handle_list_jobs (LodgeEngine1 *object, GDBusMethodInvocation *invocation)
{
  GPtrArray *jobs = lodge_library_get_jobs (LODGE_SERVICE_ENGINE (object)->library);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(osssd)"));
  for (guint i = 0; i < jobs->len; i++) {
    LodgeJob *job = jobs->pdata[i];

    g_variant_builder_add (&builder, "(osssd)", lodge_service_job_get_path (job),
                           lodge_job_get_kind (job), lodge_job_get_machine (job),
                           lodge_job_get_state_name (job), lodge_job_get_progress (job));
  }
  lodge_engine1_complete_list_jobs (object, invocation, g_variant_builder_end (&builder));
  return TRUE;
}

static gboolean
handle_quit (LodgeEngine1 *object, GDBusMethodInvocation *invocation)
{
  lodge_engine1_complete_quit (object, invocation);
  g_signal_emit (object, signals[QUIT], 0);
  return TRUE;
}

static void
engine_iface_init (LodgeEngine1Iface *iface)
{
  iface->handle_list_machines = handle_list_machines;
  iface->handle_open_machine = handle_open_machine;
  iface->handle_create_machine = handle_create_machine;
  iface->handle_detect_media = handle_detect_media;
  iface->handle_list_host_disks = handle_list_host_disks;
  iface->handle_list_installers = handle_list_installers;
  iface->handle_list_jobs = handle_list_jobs;
  iface->handle_quit = handle_quit;
}
