// World: everything that the reference knows at one moment: tasks, open file descriptions, pipes,
// names, IPC objects. A value: copies share what did not change, so the oracle can keep many.
//
// A new mechanism adds one member here.
#ifndef IPCSPEC_IMPL_REFERENCE_WORLD_H_
#define IPCSPEC_IMPL_REFERENCE_WORLD_H_

#include <cstdint>
#include <utility>

#include "impl/mechanism/cow.h"
#include "impl/mechanism/file_tree.h"
#include "impl/mechanism/memory.h"
#include "impl/mechanism/pipe.h"
#include "impl/mechanism/posix_mq.h"
#include "impl/mechanism/sysv_msg.h"
#include "impl/mechanism/sysv_sem.h"
#include "impl/mechanism/sysv_shm.h"
#include "impl/reference/dialect.h"
#include "impl/reference/task.h"

namespace ipcspec {

// An open file description (open(2)): what dup and fork share.
struct Description {
  enum class Kind : uint8_t { kNull, kPipe, kFifo, kDirectory, kFile, kQueue };
  Kind kind = Kind::kNull;
  int64_t flags = 0;         // access mode and status flags
  int pipe = -1;             // kPipe, kFifo: the pipe
  int inode = -1;            // the name it was opened by, -1 for pipe(2)
  int descriptors = 0;       // how many descriptors refer to it
  int64_t writer_mark = -1;  // kFifo: Pipe::WriterMark() when it was opened
  int64_t position = 0;      // kFile: where the next read or write begins
  int queue = -1;            // kQueue: the POSIX message queue ...
  int ipc = -1;              // ... in this IPC namespace
  // O_RDONLY is 0, O_WRONLY 1, O_RDWR 2; 3 is neither (open(2)).
  bool reads() const { return ((flags + 1) & 1) != 0; }
  bool writes() const { return ((flags + 1) & 2) != 0; }
  bool operator==(const Description&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Description& d) {
    return H::combine(std::move(h), d.kind, d.flags, d.pipe, d.inode, d.descriptors, d.position,
                      d.queue, d.ipc);
  }
};

// The objects of one IPC namespace (ipc_namespaces(7)). It goes with its last task.
struct IpcNamespace {
  explicit IpcNamespace(const Dialect& dialect);

  IpcLimits limits;
  Cow<SysvSem> sems;
  Cow<SysvMsg> msgs;
  Cow<SysvShm> shms;
  Cow<PosixMq> queues;

  bool operator==(const IpcNamespace&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const IpcNamespace& n) {
    return H::combine(std::move(h), n.limits, n.sems, n.msgs, n.shms, n.queues);
  }
};

struct World {
  // The start of every history: task 0, user 0, descriptors 0 to 2 on /dev/null, no object.
  // `dialect` must outlive the world and its copies.
  explicit World(const Dialect* dialect);

  const Dialect* dialect;
  Cow<Numbered<Task>> tasks;
  Cow<Numbered<Description>> descriptions;
  Cow<Numbered<Pipe>> pipes;
  Cow<FileTree> files;
  Cow<Numbered<IpcNamespace>> namespaces;
  Cow<Numbered<AddressSpace>> spaces;
  Cow<Numbered<MemoryObject>> memory;

  // Null when there is no such task.
  const Task* FindTask(int task) const { return tasks->Find(task); }
  // REQUIRES: the task exists.
  const Task& GetTask(int task) const { return *tasks->Find(task); }
  Task& MutableTask(int task) { return tasks.Mutable().Mutable(task); }

  // The IPC namespace of the task.
  const IpcNamespace& IpcOf(int task) const { return *namespaces->Find(GetTask(task).ipc); }
  IpcNamespace& MutableIpcOf(int task) { return namespaces.Mutable().Mutable(GetTask(task).ipc); }
  const AddressSpace& SpaceOf(int task) const { return *spaces->Find(GetTask(task).space); }
  AddressSpace& MutableSpaceOf(int task) { return spaces.Mutable().Mutable(GetTask(task).space); }

  // The open file description behind a descriptor; null when the descriptor is not open.
  const Description* FindDescription(int task, int64_t fd) const {
    return descriptions->Find(GetTask(task).Description(fd));
  }

  bool operator==(const World&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const World& w) {
    return H::combine(std::move(h), w.tasks, w.descriptions, w.pipes, w.files, w.namespaces,
                      w.spaces, w.memory);
  }
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_REFERENCE_WORLD_H_
