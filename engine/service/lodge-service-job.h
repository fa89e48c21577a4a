/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job on the wire (org.lodgevm.Job1). */
#pragma once

#include "lodge-contract-generated.h"
#include "machine/lodge-job.h"

G_BEGIN_DECLS

/* Where the job is on every connection: given once, the same for its life. Lent by the job. */
const char *lodge_service_job_get_path (LodgeJob *job);

/* Transfer full: a skeleton that follows the job. */
LodgeJob1 *lodge_service_job_new (LodgeJob *job);

G_END_DECLS
