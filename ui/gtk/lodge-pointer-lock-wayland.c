/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps the host's pointer in one place on Wayland.
 *
 * Two protocols do it (wayland-protocols): pointer-constraints locks the pointer, relative-pointer
 * tells of motion that then moves nothing. Both objects end with the lock; one that is left leaves
 * the user without a pointer. Nothing waits: the lock is active when the compositor says so, and
 * never where it has none of the two.
 */
#include "gtk/lodge-pointer-lock.h"

#include "gtk/lodge-wayland-globals.h"
#include "pointer-constraints-unstable-v1-client-protocol.h"
#include "relative-pointer-unstable-v1-client-protocol.h"

#include <gdk/wayland/gdkwayland.h>

typedef struct {
  LodgePointerLock parent;

  GdkSurface *surface;
  struct wl_pointer *pointer; /* lent by GDK */
  LodgeWaylandGlobals *globals;
  struct zwp_locked_pointer_v1 *locked;
  struct zwp_relative_pointer_v1 *relative;
} LodgePointerLockWayland;

enum { CONSTRAINTS, RELATIVE };

static const LodgeWaylandGlobal wanted[] = {
    [CONSTRAINTS] = {&zwp_pointer_constraints_v1_interface, 1,
                     (GDestroyNotify) zwp_pointer_constraints_v1_destroy},
    [RELATIVE] = {&zwp_relative_pointer_manager_v1_interface, 1,
                  (GDestroyNotify) zwp_relative_pointer_manager_v1_destroy},
};

static void
motion_cb (void *data,
           struct zwp_relative_pointer_v1 *relative,
           uint32_t time_high,
           uint32_t time_low,
           wl_fixed_t dx,
           wl_fixed_t dy,
           wl_fixed_t dx_unaccelerated,
           wl_fixed_t dy_unaccelerated)
{
  LodgePointerLockWayland *self = data;

  if (self->parent.active)
    self->parent.motion (wl_fixed_to_double (dx_unaccelerated),
                         wl_fixed_to_double (dy_unaccelerated), self->parent.user_data);
}

static const struct zwp_relative_pointer_v1_listener relative_listener = {motion_cb};

static void
locked_cb (void *data, struct zwp_locked_pointer_v1 *locked)
{
  ((LodgePointerLockWayland *) data)->parent.active = TRUE;
}

static void
unlocked_cb (void *data, struct zwp_locked_pointer_v1 *locked)
{
  LodgePointerLockWayland *self = data;

  self->parent.active = FALSE;
  self->parent.lost (self->parent.user_data); /* frees the lock */
}

static const struct zwp_locked_pointer_v1_listener locked_listener = {locked_cb, unlocked_cb};

static void
found_cb (gpointer user_data)
{
  LodgePointerLockWayland *self = user_data;
  struct zwp_pointer_constraints_v1 *constraints =
      lodge_wayland_globals_get (self->globals, CONSTRAINTS);
  struct zwp_relative_pointer_manager_v1 *manager =
      lodge_wayland_globals_get (self->globals, RELATIVE);

  if (constraints == NULL || manager == NULL)
    return;

  self->relative = zwp_relative_pointer_manager_v1_get_relative_pointer (manager, self->pointer);
  zwp_relative_pointer_v1_add_listener (self->relative, &relative_listener, self);
  self->locked = zwp_pointer_constraints_v1_lock_pointer (
      constraints, gdk_wayland_surface_get_wl_surface (self->surface), self->pointer, NULL,
      ZWP_POINTER_CONSTRAINTS_V1_LIFETIME_PERSISTENT);
  zwp_locked_pointer_v1_add_listener (self->locked, &locked_listener, self);
}

static void
lodge_pointer_lock_wayland_free (LodgePointerLock *lock)
{
  LodgePointerLockWayland *self = (LodgePointerLockWayland *) lock;

  g_clear_pointer (&self->locked, zwp_locked_pointer_v1_destroy);
  g_clear_pointer (&self->relative, zwp_relative_pointer_v1_destroy);
  lodge_wayland_globals_free (self->globals);
  g_object_unref (self->surface);
  g_free (self);
}

LodgePointerLock *
lodge_pointer_lock_new_wayland (GtkWidget *widget)
{
  GdkDisplay *display = gtk_widget_get_display (widget);
  GdkSeat *seat = gdk_display_get_default_seat (display);
  GdkDevice *device = seat != NULL ? gdk_seat_get_pointer (seat) : NULL;
  struct wl_pointer *pointer = device != NULL ? gdk_wayland_device_get_wl_pointer (device) : NULL;

  if (pointer == NULL)
    return NULL;

  LodgePointerLockWayland *self = g_new0 (LodgePointerLockWayland, 1);
  self->parent.free = lodge_pointer_lock_wayland_free;
  self->surface = g_object_ref (gtk_native_get_surface (gtk_widget_get_native (widget)));
  self->pointer = pointer;
  self->globals =
      lodge_wayland_globals_new (display, wanted, G_N_ELEMENTS (wanted), found_cb, self);
  return &self->parent;
}
