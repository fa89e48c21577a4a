/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One finding of the host check: level, sentence, and what to do about it. */
#include "gtk/lodge-finding-row.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _LodgeFindingRow {
  GtkListBoxRow parent_instance;

  GtkImage *level_icon;
  GtkLabel *sentence_label;
  GtkLabel *advice_label;
  GtkWidget *copy_button;

  char *command;
};

G_DEFINE_FINAL_TYPE (LodgeFindingRow, lodge_finding_row, GTK_TYPE_LIST_BOX_ROW)

enum { COPIED, N_SIGNALS };
static guint signals[N_SIGNALS];

typedef struct {
  const char *level;
  const char *word;
  const char *icon;
  const char *style;
} LevelRow;

/* The last also stands for a level this build does not know. */
static const LevelRow levels[] = {
    {"good", N_ ("Good"), "lodge-good-symbolic", "success"},
    {"warning", N_ ("Warning"), "dialog-warning-symbolic", "warning"},
    {"problem", N_ ("Problem"), "dialog-error-symbolic", "error"},
    {"note", N_ ("Note"), "dialog-information-symbolic", "accent"},
};

static void
add_command (GString *commands, const char *start, const char *end)
{
  if (commands->len > 0)
    g_string_append_c (commands, '\n');
  g_string_append_len (commands, start, end - start);
}

/* Adds every part of @advice between @open and @close. */
static void
add_quoted (GString *commands, const char *advice, const char *open, const char *close)
{
  const char *start = advice;

  while ((start = strstr (start, open)) != NULL) {
    const char *end;

    start += strlen (open);
    end = strstr (start, close);
    if (end == NULL)
      return;
    add_command (commands, start, end);
    start = end + strlen (close);
  }
}

char *
lodge_finding_dup_command (const char *advice)
{
  /* As written in code, in English, in German. */
  static const char *const quotes[][2] = {{"`", "`"}, {"“", "”"}, {"„", "“"}};
  g_autoptr (GString) commands = g_string_new (NULL);
  const char *sudo;

  for (guint i = 0; i < G_N_ELEMENTS (quotes) && commands->len == 0; i++)
    add_quoted (commands, advice, quotes[i][0], quotes[i][1]);

  /* "(Debian and Ubuntu: sudo apt install ovmf)" */
  sudo = strstr (advice, "sudo ");
  if (commands->len == 0 && sudo != NULL)
    add_command (commands, sudo, sudo + strcspn (sudo, ")"));

  return commands->len > 0 ? g_string_free (g_steal_pointer (&commands), FALSE) : g_strdup (advice);
}

static void
copy_clicked_cb (GtkButton *button, LodgeFindingRow *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), self->command);
  g_signal_emit (self, signals[COPIED], 0);
}

static void
lodge_finding_row_finalize (GObject *object)
{
  g_free (LODGE_FINDING_ROW (object)->command);

  G_OBJECT_CLASS (lodge_finding_row_parent_class)->finalize (object);
}

static void
lodge_finding_row_class_init (LodgeFindingRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lodge_finding_row_finalize;

  signals[COPIED] = g_signal_new ("copied", LODGE_TYPE_FINDING_ROW, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-finding-row.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeFindingRow, level_icon);
  gtk_widget_class_bind_template_child (widget_class, LodgeFindingRow, sentence_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeFindingRow, advice_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeFindingRow, copy_button);
  gtk_widget_class_bind_template_callback (widget_class, copy_clicked_cb);
}

static void
lodge_finding_row_init (LodgeFindingRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
lodge_finding_row_new (const char *level, const char *sentence, const char *advice)
{
  LodgeFindingRow *self = g_object_new (LODGE_TYPE_FINDING_ROW, NULL);
  const LevelRow *row = NULL;
  const gboolean has_advice = *advice != '\0';

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++) {
    row = &levels[i];
    if (g_str_equal (level, row->level))
      break;
  }

  gtk_image_set_from_icon_name (self->level_icon, row->icon);
  gtk_widget_add_css_class (GTK_WIDGET (self->level_icon), row->style);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->level_icon), _ (row->word));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->level_icon), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ (row->word), -1);
  gtk_label_set_text (self->sentence_label, sentence);
  gtk_label_set_text (self->advice_label, advice);
  gtk_widget_set_visible (GTK_WIDGET (self->advice_label), has_advice);
  gtk_widget_set_visible (self->copy_button, has_advice);
  self->command = lodge_finding_dup_command (advice);
  return GTK_WIDGET (self);
}
