/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files in a guest on the wire. Each method is one call into the machine room. */
#include "service/lodge-service-files.h"

#include "service/lodge-service-job.h"
#include "service/lodge-service-machine.h"
#include "service/lodge-service-snapshots.h"

static gboolean
handle_fetch (LodgeMachine1 *object,
              GDBusMethodInvocation *invocation,
              const char *path,
              const char *folder,
              GVariant *options)
{
  static const char *const known[] = {NULL};
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);
  LodgeJob *job;

  if (!lodge_service_check_options (invocation, options, known))
    return TRUE;
  job = lodge_library_fetch_file (lodge_service_machine_get_library (self),
                                  lodge_service_machine_get_machine (self), path, folder);
  lodge_machine1_complete_fetch_file (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

void
lodge_service_files_init (LodgeMachine1Iface *iface)
{
  iface->handle_fetch_file = handle_fetch;
}
