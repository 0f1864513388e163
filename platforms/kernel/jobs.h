// Jobs: copies of one run, side by side, each in a process of its own.
//
// A race keeps two processors busy for a part of the time only, and big machines have more. So runs
// go on side by side, each in its own namespaces (isolation.h), and share nothing but what was
// Shared (shared.h) before.
#ifndef IPCSPEC_PLATFORMS_KERNEL_JOBS_H_
#define IPCSPEC_PLATFORMS_KERNEL_JOBS_H_

#include <functional>

namespace ipcspec {

// As many as there are processors for this process.
int ProcessorsHere();

// Runs `body`, with 0 to count - 1, in as many processes, and waits for all. SIGINT and SIGTERM are
// passed on to each; when one is ended by a signal (or says so: a status of 128 or more), the
// others are told to end by SIGTERM. The exit status of the first that ended with another than 0
// (128 plus the signal that killed it), else 0. Orphans that the caller gets meanwhile are waited
// for. REQUIRES: the caller has no other threads and no other children.
int RunJobs(int count, const std::function<int(int job)>& body);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_JOBS_H_
