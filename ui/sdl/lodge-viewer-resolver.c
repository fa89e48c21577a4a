/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A resolver that knows one host, and asks nobody. */
#include "sdl/lodge-viewer-resolver.h"

#include <glib/gi18n-lib.h>

struct _LodgeViewerResolver {
  GResolver parent_instance;

  char *host;
  GList *addresses; /* of GInetAddress */
  GError *error;
};

G_DEFINE_FINAL_TYPE (LodgeViewerResolver, lodge_viewer_resolver, G_TYPE_RESOLVER)

static void
free_addresses (gpointer addresses)
{
  g_resolver_free_addresses (addresses);
}

static gboolean
is_wanted (GInetAddress *address, GResolverNameLookupFlags flags)
{
  switch (g_inet_address_get_family (address)) {
  case G_SOCKET_FAMILY_IPV4:
    return (flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY) == 0;
  case G_SOCKET_FAMILY_IPV6:
    return (flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY) == 0;
  case G_SOCKET_FAMILY_INVALID:
  case G_SOCKET_FAMILY_UNIX:
  default:
    return FALSE;
  }
}

static GList *
lodge_viewer_resolver_lookup_by_name_with_flags (GResolver *resolver,
                                                 const char *host,
                                                 GResolverNameLookupFlags flags,
                                                 GCancellable *cancellable,
                                                 GError **error)
{
  LodgeViewerResolver *self = LODGE_VIEWER_RESOLVER (resolver);
  GList *found = NULL;

  if (g_ascii_strcasecmp (host, self->host) != 0) {
    /* A server may send its client to another host. */
    g_set_error (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
                 _ ("“%s” is not the host that was asked for"), host);
    return NULL;
  }
  for (GList *l = self->addresses; l != NULL; l = l->next) {
    if (is_wanted (l->data, flags))
      found = g_list_prepend (found, g_object_ref (l->data));
  }
  if (found == NULL && error != NULL)
    *error = self->error != NULL ? g_error_copy (self->error)
                                 : g_error_new (G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
                                                _ ("“%s” has no address of that kind"), host);
  return g_list_reverse (found);
}

static GList *
lodge_viewer_resolver_lookup_by_name (GResolver *resolver,
                                      const char *host,
                                      GCancellable *cancellable,
                                      GError **error)
{
  return lodge_viewer_resolver_lookup_by_name_with_flags (
      resolver, host, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, error);
}

static void
lodge_viewer_resolver_lookup_by_name_with_flags_async (GResolver *resolver,
                                                       const char *host,
                                                       GResolverNameLookupFlags flags,
                                                       GCancellable *cancellable,
                                                       GAsyncReadyCallback callback,
                                                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);
  GError *error = NULL;
  GList *found =
      lodge_viewer_resolver_lookup_by_name_with_flags (resolver, host, flags, cancellable, &error);

  g_task_set_source_tag (task, lodge_viewer_resolver_lookup_by_name_with_flags_async);
  if (found != NULL)
    g_task_return_pointer (task, found, free_addresses);
  else
    g_task_return_error (task, error);
}

static void
lodge_viewer_resolver_lookup_by_name_async (GResolver *resolver,
                                            const char *host,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data)
{
  lodge_viewer_resolver_lookup_by_name_with_flags_async (
      resolver, host, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, callback, user_data);
}

static GList *
lodge_viewer_resolver_lookup_by_name_finish (GResolver *resolver,
                                             GAsyncResult *result,
                                             GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
lodge_viewer_resolver_finalize (GObject *object)
{
  LodgeViewerResolver *self = LODGE_VIEWER_RESOLVER (object);

  g_free (self->host);
  free_addresses (self->addresses);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (lodge_viewer_resolver_parent_class)->finalize (object);
}

static void
lodge_viewer_resolver_class_init (LodgeViewerResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lodge_viewer_resolver_finalize;
  resolver_class->lookup_by_name = lodge_viewer_resolver_lookup_by_name;
  resolver_class->lookup_by_name_async = lodge_viewer_resolver_lookup_by_name_async;
  resolver_class->lookup_by_name_finish = lodge_viewer_resolver_lookup_by_name_finish;
  resolver_class->lookup_by_name_with_flags = lodge_viewer_resolver_lookup_by_name_with_flags;
  resolver_class->lookup_by_name_with_flags_async =
      lodge_viewer_resolver_lookup_by_name_with_flags_async;
  resolver_class->lookup_by_name_with_flags_finish = lodge_viewer_resolver_lookup_by_name_finish;
}

static void
lodge_viewer_resolver_init (LodgeViewerResolver *self)
{
}

GResolver *
lodge_viewer_resolver_new (const char *host, GList *addresses, const GError *error)
{
  LodgeViewerResolver *self = g_object_new (LODGE_TYPE_VIEWER_RESOLVER, NULL);

  self->host = g_strdup (host);
  self->addresses = g_list_copy_deep (addresses, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
  self->error = error != NULL ? g_error_copy (error) : NULL;
  return G_RESOLVER (self);
}
