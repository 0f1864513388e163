// Namespaces, limits, /proc/sysvipc and capabilities, as system calls and reads of /proc.
#include <sched.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "impl/call/cat.h"
#include "impl/call/names.h"
#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {
namespace {

constexpr size_t kRoomForLists = Mailbox::kBufferSize - 4096;
constexpr size_t kRoomForNumber = 64;

void ReadProc(Request& r, const char* path, size_t room) {
  r.Op(kReadProc), r.Area(0, room), r.Int(1, static_cast<int64_t>(room)), r.Text(2, path);
}

std::string TextIn(const RawAnswer& answer, int64_t size) {
  return std::string(answer.buffer, static_cast<size_t>(size));
}

// How a list shows its objects (ipc_calls.h).
struct Columns {
  const char* path;
  size_t count;
  std::array<size_t, 2> pids;  // which are process ids; 0: none
};
Columns ColumnsOf(IpcKind kind) {
  switch (kind) {
    case IpcKind::kSem:
      return {"/proc/sysvipc/sem", kSemColumns.size(), {}};
    case IpcKind::kMsg:
      return {"/proc/sysvipc/msg", kMsgColumns.size(), {5, 6}};
    case IpcKind::kShm:
      return {"/proc/sysvipc/shm", kShmColumns.size(), {4, 5}};
  }
  return {"", 1, {}};
}

}  // namespace

void Lower(const UnshareIpc&, const LoweringContext&, Request& r) {
  r.Op(SYS_unshare), r.Int(0, CLONE_NEWIPC);
}
void Lower(const SetLimit& c, const LoweringContext&, Request& r) {
  const std::string text = Cat(c.value, "\n");
  r.Op(kWriteFile), r.Text(0, LimitPath(c.limit)), r.Text(1, text);
  r.Int(2, static_cast<int64_t>(text.size()));
}
void Lower(const GetLimit& c, const LoweringContext&, Request& r) {
  ReadProc(r, LimitPath(c.limit), kRoomForNumber);
}
void Lower(const ListIpc& c, const LoweringContext&, Request& r) {
  ReadProc(r, ColumnsOf(c.kind).path, kRoomForLists);
}
void Lower(const DropCapability& c, const LoweringContext&, Request& r) {
  r.Op(kDropCapability), r.Int(0, static_cast<int64_t>(c.capability));
}
void Lower(const SetGroup& c, const LoweringContext&, Request& r) {
  r.Op(SYS_setgroups), r.Int(0, 1), Put(r.Area(1, sizeof(uint32_t)), static_cast<uint32_t>(c.gid));
}

void Decode(const GetLimit&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  // What does not fit comes out as the largest number there is.
  out.ret = std::strtoll(TextIn(answer, out.ret).c_str(), nullptr, 10);
}

void Decode(const ListIpc& c, const LoweringContext& context, const RawAnswer& answer,
            Outcome& out) {
  const Columns columns = ColumnsOf(c.kind);
  std::istringstream lines(TextIn(answer, out.ret));
  std::string line;
  std::getline(lines, line);  // the names of the columns
  std::vector<std::vector<int64_t>> objects;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::vector<int64_t> object;
    for (std::string word; object.size() < columns.count && words >> word;) {
      const bool octal = object.size() == 2;  // perms
      object.push_back(std::strtoll(word.c_str(), nullptr, octal ? 8 : 10));
    }
    if (object.size() < columns.count) continue;
    for (const size_t pid : columns.pids) {
      if (pid != 0) object[pid] = context.task_of(object[pid]);
    }
    objects.push_back(std::move(object));
  }
  std::sort(objects.begin(), objects.end(),
            [](const auto& a, const auto& b) { return a[1] < b[1]; });
  out.ret = static_cast<int64_t>(objects.size());
  for (const auto& object : objects) {
    out.values.insert(out.values.end(), object.begin(), object.end());
  }
}

}  // namespace ipcspec
