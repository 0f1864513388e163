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
#include "impl/mechanism/pipe.h"
#include "impl/mechanism/sysv_sem.h"
#include "impl/reference/dialect.h"
#include "impl/reference/task.h"

namespace ipcspec {

// An open file description (open(2)): what dup and fork share.
struct Description {
  enum class Kind : uint8_t { kNull, kPipe, kFifo, kDirectory, kFile };
  Kind kind = Kind::kNull;
  int64_t flags = 0;                                // access mode and status flags
  int pipe = -1;                                    // kPipe, kFifo: the pipe
  int inode = -1;                                   // the name it was opened by, -1 for pipe(2)
  int descriptors = 0;                              // how many descriptors refer to it
  int64_t writer_mark = -1;                         // kFifo: Pipe::WriterMark() when it was opened
  bool reads() const { return (flags & 3) != 1; }   // O_RDONLY or O_RDWR
  bool writes() const { return (flags & 3) != 0; }  // O_WRONLY or O_RDWR
  bool operator==(const Description&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Description& d) {
    return H::combine(std::move(h), d.kind, d.flags, d.pipe, d.inode, d.descriptors);
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
  Cow<SysvSem> sems;

  // Null when there is no such task.
  const Task* FindTask(int task) const { return tasks->Find(task); }
  // REQUIRES: the task exists.
  const Task& GetTask(int task) const { return *tasks->Find(task); }
  Task& MutableTask(int task) { return tasks.Mutable().Mutable(task); }

  // The open file description behind a descriptor; null when the descriptor is not open.
  const Description* FindDescription(int task, int64_t fd) const {
    return descriptions->Find(GetTask(task).Description(fd));
  }

  bool operator==(const World&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const World& w) {
    return H::combine(std::move(h), w.tasks, w.descriptions, w.pipes, w.files, w.sems);
  }
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_REFERENCE_WORLD_H_
