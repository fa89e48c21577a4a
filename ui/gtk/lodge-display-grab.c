/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display's grab: the desktop's own shortcuts go to the guest, and the pointer of one that
 * takes motion only is kept.
 *
 *   none ──click──▶ grabbed ──────────┬─ all but the last key of a combination ─▶ suspended
 *     ▲                │  ▲           │  that stays with the host                   │
 *     │                │  └───────────┴───── those keys are no longer down ─────────┤
 *     └── Ctrl+Alt, focus, connection, the window, or the desktop takes it back ────┘
 *
 * A key that the desktop is to see must reach it before it reaches us: nothing can be handed back
 * on Wayland, and on X11 the window manager does not listen to what is. So while the keys that lead
 * to such a combination are down the desktop has its shortcuts, and the next key decides. That is
 * too late for a combination of one key: with such a one in the list the desktop keeps all.
 */
#include "gtk/lodge-display-private.h"
#include "gtk/lodge-shortcuts.h"

#include <linux/input-event-codes.h>

static GdkToplevel *
get_toplevel (LodgeDisplay *self)
{
  GtkNative *native = gtk_widget_get_native (GTK_WIDGET (self));
  GdkSurface *surface = native != NULL ? gtk_native_get_surface (native) : NULL;

  return surface != NULL && GDK_IS_TOPLEVEL (surface) ? GDK_TOPLEVEL (surface) : NULL;
}

/* ---- the desktop's shortcuts */

/* A compositor may refuse, or take back what it gave: then the keyboard is the host's again. */
static void
inhibited_cb (GdkToplevel *toplevel, GParamSpec *pspec, LodgeDisplay *self)
{
  gboolean inhibited;

  g_object_get (toplevel, "shortcuts-inhibited", &inhibited, NULL);
  if (!inhibited && self->inhibiting)
    lodge_display_ungrab (self);
  else
    g_object_notify (G_OBJECT (self), "grabbed"); /* who shows it shows what is grabbed, too */
}

static void
inhibit (LodgeDisplay *self, GdkEvent *event)
{
  GdkToplevel *toplevel = get_toplevel (self);

  if (toplevel == NULL || self->inhibiting)
    return;
  self->inhibiting = TRUE;
  lodge_shortcuts_inhibit (toplevel, event);
  g_signal_connect_object (toplevel, "notify::shortcuts-inhibited", G_CALLBACK (inhibited_cb), self,
                           0);
#ifdef LODGE_HAVE_X11
  lodge_display_watch_focus (self);
#endif
}

static void
restore (LodgeDisplay *self)
{
  GdkToplevel *toplevel = get_toplevel (self);

  if (!self->inhibiting)
    return;
  self->inhibiting = FALSE;
#ifdef LODGE_HAVE_X11
  lodge_display_unwatch_focus (self);
#endif
  if (toplevel != NULL) {
    g_signal_handlers_disconnect_by_func (toplevel, inhibited_cb, self);
    lodge_shortcuts_restore (toplevel);
  }
}

static gboolean
wants_shortcuts (LodgeDisplay *self)
{
  return self->grab_shortcuts && !lodge_host_keys_has_single (self->host_keys);
}

/* ---- what stays with the host */

/* The guest has seen the first keys of it go down and will see them go up: for it that were a tap
 * on Super or Alt, which opens a menu. Another key between says that it was none. */
static void
spoil_tap (LodgeDisplay *self)
{
  if (self->spoilt_tap || self->session == NULL || !lodge_host_keys_is_tap (self->host_keys))
    return;
  self->spoilt_tap = TRUE;
  lodge_console_session_key (self->session, KEY_LEFTCTRL, TRUE);
  lodge_console_session_key (self->session, KEY_LEFTCTRL, FALSE);
}

gboolean
lodge_display_follow_host_keys (LodgeDisplay *self, guint evdev, gboolean pressed)
{
  const LodgeHostKeysState state = lodge_host_keys_feed (self->host_keys, evdev, pressed);

  if (state == LODGE_HOST_KEYS_NONE) {
    self->host_keys_lead = FALSE;
    self->spoilt_tap = FALSE;
    if (self->grabbed && wants_shortcuts (self))
      inhibit (self, NULL);
    return FALSE;
  }
  self->host_keys_lead = TRUE;
  restore (self);
  if (state == LODGE_HOST_KEYS_WHOLE && pressed)
    spoil_tap (self);
  return state == LODGE_HOST_KEYS_WHOLE && pressed;
}

void
lodge_display_drop_host_keys (LodgeDisplay *self)
{
  /* The desktop has taken the last key, and the focus with it. */
  if (self->host_keys_lead)
    spoil_tap (self);
  self->host_keys_lead = self->spoilt_tap = FALSE;
  lodge_host_keys_reset (self->host_keys);
}

void
lodge_display_set_host_keys (LodgeDisplay *self, const char *const *combinations)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));

  lodge_display_ungrab (self);
  lodge_display_drop_host_keys (self);
  lodge_host_keys_free (self->host_keys);
  self->host_keys = lodge_host_keys_new (combinations);
}

void
lodge_display_set_grab_shortcuts (LodgeDisplay *self, gboolean grab_shortcuts)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));

  if (self->grab_shortcuts == grab_shortcuts)
    return;
  lodge_display_ungrab (self);
  self->grab_shortcuts = grab_shortcuts;
}

gboolean
lodge_display_get_keeps_shortcuts (LodgeDisplay *self)
{
  GdkToplevel *toplevel;
  gboolean inhibited = FALSE;

  g_return_val_if_fail (LODGE_IS_DISPLAY (self), FALSE);

  toplevel = self->inhibiting ? get_toplevel (self) : NULL;
  if (toplevel != NULL)
    g_object_get (toplevel, "shortcuts-inhibited", &inhibited, NULL);
  return self->grabbed ? !inhibited : !wants_shortcuts (self);
}

gboolean
lodge_display_get_has_pointer (LodgeDisplay *self)
{
  g_return_val_if_fail (LODGE_IS_DISPLAY (self), FALSE);
  return self->grabbed && lodge_display_pointer_is_relative (self);
}

/* ---- the grab */

void
lodge_display_grab (LodgeDisplay *self, GdkEvent *event)
{
  const gboolean shortcuts = wants_shortcuts (self);

  if (self->grabbed || get_toplevel (self) == NULL ||
      (!shortcuts && !lodge_display_pointer_is_relative (self)))
    return;
  if (shortcuts)
    inhibit (self, event);
  lodge_display_set_grabbed (self, TRUE);
  lodge_display_lock_pointer (self);
}

/* The guest has another kind of pointer now. */
void
lodge_display_update_grab (LodgeDisplay *self)
{
  if (!self->grabbed)
    return;
  if (!wants_shortcuts (self) && !lodge_display_pointer_is_relative (self)) {
    lodge_display_ungrab (self);
    return;
  }
  lodge_display_lock_pointer (self);
  g_object_notify (G_OBJECT (self), "grabbed"); /* another of its parts */
}

void
lodge_display_ungrab (LodgeDisplay *self)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));

  if (!self->grabbed)
    return;
  lodge_display_set_grabbed (self, FALSE);
  restore (self);
  lodge_display_unlock_pointer (self);
}
