/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a Wayland compositor offers beyond what GTK makes use of. */
#include "gtk/lodge-wayland-globals.h"

#include <gdk/wayland/gdkwayland.h>

struct _LodgeWaylandGlobals {
  const LodgeWaylandGlobal *wanted;
  guint n_wanted;
  void (*found) (gpointer user_data);
  gpointer user_data;

  struct wl_registry *registry;
  struct wl_callback *told; /* until all were */
  gpointer proxies[];
};

static void
global_cb (void *data,
           struct wl_registry *registry,
           uint32_t name,
           const char *interface,
           uint32_t version)
{
  LodgeWaylandGlobals *self = data;

  /* What comes later, of which nobody is told, is not taken either. */
  if (self->told == NULL)
    return;
  for (guint i = 0; i < self->n_wanted; i++) {
    const LodgeWaylandGlobal *global = &self->wanted[i];

    if (self->proxies[i] == NULL && g_str_equal (interface, global->interface->name) &&
        version >= global->version)
      self->proxies[i] = wl_registry_bind (registry, name, global->interface, global->version);
  }
}

static void
global_remove_cb (void *data, struct wl_registry *registry, uint32_t name)
{
}

static const struct wl_registry_listener registry_listener = {global_cb, global_remove_cb};

static void
told_cb (void *data, struct wl_callback *callback, uint32_t unused)
{
  LodgeWaylandGlobals *self = data;

  g_clear_pointer (&self->told, wl_callback_destroy);
  self->found (self->user_data);
}

static const struct wl_callback_listener told_listener = {told_cb};

LodgeWaylandGlobals *
lodge_wayland_globals_new (GdkDisplay *display,
                           const LodgeWaylandGlobal *wanted,
                           guint n_wanted,
                           void (*found) (gpointer user_data),
                           gpointer user_data)
{
  struct wl_display *wl_display = gdk_wayland_display_get_wl_display (display);
  LodgeWaylandGlobals *self = g_malloc0 (sizeof *self + n_wanted * sizeof (gpointer));

  self->wanted = wanted;
  self->n_wanted = n_wanted;
  self->found = found;
  self->user_data = user_data;
  self->registry = wl_display_get_registry (wl_display);
  wl_registry_add_listener (self->registry, &registry_listener, self);
  /* Answered after the registry was. */
  self->told = wl_display_sync (wl_display);
  wl_callback_add_listener (self->told, &told_listener, self);
  return self;
}

void
lodge_wayland_globals_free (LodgeWaylandGlobals *self)
{
  for (guint i = 0; i < self->n_wanted; i++) {
    if (self->proxies[i] != NULL)
      self->wanted[i].destroy (self->proxies[i]);
  }
  g_clear_pointer (&self->told, wl_callback_destroy);
  wl_registry_destroy (self->registry);
  g_free (self);
}

gpointer
lodge_wayland_globals_get (LodgeWaylandGlobals *self, guint index)
{
  g_return_val_if_fail (index < self->n_wanted, NULL);

  return self->proxies[index];
}
