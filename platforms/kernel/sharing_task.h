// A process that shares the memory of the one that makes it (clone(2), CLONE_VM), and little else.
//
// It is no thread: it has its own descriptors, signal dispositions and process id, and it may exec
// and exit while the other goes on. So that both can run the same program at once it has a stack
// of its own, and a copy of the maker's thread-local storage.
#ifndef IPCSPEC_PLATFORMS_KERNEL_SHARING_TASK_H_
#define IPCSPEC_PLATFORMS_KERNEL_SHARING_TASK_H_

#include <cstdint>

namespace ipcspec {

// Makes one that calls run(argument), which must not return. Gives its process id, or -errno.
// `flags` has CLONE_VM, and neither CLONE_THREAD nor CLONE_SIGHAND. x86-64 with glibc.
int64_t CloneSharing(int64_t flags, int (*run)(void*), void* argument);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_SHARING_TASK_H_
