/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host's resolv.conf for contained networks, kept up to date. */
#include "network/lodge-resolver.h"

#include "description/lodge-durable-file.h"
#include "host/lodge-host-root.h"
#include "lodge-error.h"
#include "lodge-paths.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#define ORIGINAL "/etc/resolv.conf"
/* systemd-resolved, NetworkManager and resolvconf each make one link of it. */
#define MOST_LINKS 8

struct _LodgeResolver {
  GObject parent_instance;

  char *folder;
  char *text;          /* of the copy; NULL while there is none */
  GPtrArray *monitors; /* of the original, and of each link on the way to it */
};

G_DEFINE_FINAL_TYPE (LodgeResolver, lodge_resolver, G_TYPE_OBJECT)

static LodgeResolver *shared;

static void watch (LodgeResolver *self);

/* For a moment there is none while it is replaced; the old one is better than nothing. */
static void
copy (LodgeResolver *self)
{
  g_autofree char *original = lodge_host_root_read (ORIGINAL);
  g_autofree char *path = g_build_filename (self->folder, "resolv.conf", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  if (original == NULL)
    return;
  text = g_strconcat (original, "\n", NULL);
  if (g_strcmp0 (text, self->text) == 0)
    return;
  if (!lodge_durable_file_replace (path, text, strlen (text), &error)) {
    g_debug ("%s", error->message);
    return;
  }
  g_free (self->text);
  self->text = g_steal_pointer (&text);
}

static void
changed_cb (
    GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event, LodgeResolver *self)
{
  /* A link may lead elsewhere now. Watched before it is read, or a change in between is lost. */
  if (event != G_FILE_MONITOR_EVENT_CHANGED && event != G_FILE_MONITOR_EVENT_CHANGES_DONE_HINT)
    watch (self);
  copy (self);
}

static void
watch_one (LodgeResolver *self, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  GFileMonitor *monitor = g_file_monitor_file (file, G_FILE_MONITOR_WATCH_MOVES, NULL, &error);

  if (monitor == NULL) {
    g_debug ("%s: %s", path, error->message);
    return;
  }
  g_signal_connect_object (monitor, "changed", G_CALLBACK (changed_cb), self, 0);
  g_ptr_array_add (self->monitors, monitor);
}

static void
watch (LodgeResolver *self)
{
  g_autofree char *path = lodge_host_root_dup_path (ORIGINAL);

  /* The one that is just telling is held by its own emission. */
  g_ptr_array_set_size (self->monitors, 0);
  for (guint i = 0; path != NULL && i < MOST_LINKS; i++) {
    g_autofree char *link = g_file_read_link (path, NULL);
    g_autofree char *parent = g_path_get_dirname (path);

    watch_one (self, path);
    g_free (path);
    path = link != NULL ? g_canonicalize_filename (link, parent) : NULL;
  }
}

static void
lodge_resolver_finalize (GObject *object)
{
  LodgeResolver *self = LODGE_RESOLVER (object);

  /* The copy stays: networks outlive the engine, and the next one goes on with it. */
  g_clear_pointer (&self->monitors, g_ptr_array_unref);
  g_free (self->folder);
  g_free (self->text);
  G_OBJECT_CLASS (lodge_resolver_parent_class)->finalize (object);
}

static void
lodge_resolver_class_init (LodgeResolverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_resolver_finalize;
}

static void
lodge_resolver_init (LodgeResolver *self)
{
  self->monitors = g_ptr_array_new_with_free_func (g_object_unref);
}

LodgeResolver *
lodge_resolver_get (GError **error)
{
  g_autoptr (LodgeResolver) self = NULL;
  g_autofree char *runtime = lodge_paths_ensure_runtime (error);

  if (runtime == NULL)
    return NULL;
  if (shared != NULL) {
    self = g_object_ref (shared);
  } else {
    self = g_object_new (LODGE_TYPE_RESOLVER, NULL);
    self->folder = g_build_filename (runtime, "resolver", NULL);
    g_object_add_weak_pointer (G_OBJECT (self), (gpointer *) &shared);
    shared = self;
    watch (self);
  }
  /* A logout may have emptied the runtime folder under it. */
  if (g_mkdir (self->folder, 0700) == 0) {
    g_clear_pointer (&self->text, g_free);
  } else if (errno != EEXIST) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("Could not make the folder %s: %s"),
                 self->folder, g_strerror (saved));
    return NULL;
  }
  copy (self);
  return g_steal_pointer (&self);
}

const char *
lodge_resolver_get_folder (LodgeResolver *self)
{
  return self->folder;
}
