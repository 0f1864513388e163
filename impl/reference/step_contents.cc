// What regular files hold: read(2), write(2), lseek(2), ftruncate(2), fstat(2); and objects of
// POSIX shared memory, which are files in a directory of their own: shm_open(3), shm_overview(7).
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <string>
#include <utility>
#include <vector>

#include "impl/call/cat.h"
#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// A file may not be able to become as large as this (EFBIG, EINVAL, ENOSPC).
constexpr int64_t kHuge = int64_t{1} << 40;

Description& MutableDescription(Machine& m, const Fd& fd) {
  return m.world.descriptions.Mutable().Mutable(m.self().Description(fd.value));
}

bool IsFile(const Description& description) { return description.kind == Description::Kind::kFile; }

// O_DIRECT may ask for alignment that nobody promises to be enough (open(2)).
bool RefusesDirect(const Machine& m, const Description& description) {
  return (description.flags & O_DIRECT) != 0 && m.choice.SawError(EINVAL);
}

// Mode or owner of what is open: of what has no name of the program's, nothing is said.
template <class Change>
Result ChangeInode(Machine& m, const Fd& fd, Change change) {
  const Description* description = m.world.FindDescription(m.task, fd.value);
  if (description == nullptr) return Fail(EBADF);
  if (description->inode < 0) {
    for (int e : {EPERM, EINVAL, EROFS, EACCES}) {
      if (m.choice.SawError(e)) return Fail(e);
    }
    return Done(0);
  }
  const Errors errors = change(m.world.files.Mutable(), description->inode);
  return errors.any() ? m.choice.FailWithAny(errors) : Done(0);
}

}  // namespace

int ContentsOf(World& world, int inode) {
  int contents = world.files->Get(inode)->contents;
  if (contents < 0) {
    contents = world.memory.Mutable().Add({.holders = 1});
    world.files.Mutable().SetContents(inode, contents);
  }
  return contents;
}

void DropContents(World& world, int inode, int contents) {
  if (contents >= 0 && world.files->Get(inode) == nullptr) ReleaseObject(world, contents);
}

void Truncate(World& world, int object, int64_t size) {
  world.memory.Mutable().Mutable(object).Resize(size);
  // Whole pages beyond the end are lost, copies of private mappings too (POSIX.1-2024 ftruncate).
  const int64_t end = RoundUp(size, world.dialect->page_size);
  const Cow<Numbered<AddressSpace>> before = world.spaces;
  for (const auto& [number, space] : *before) {
    for (Mapping m : space->all()) {
      if (m.file != object || m.file_offset < end) continue;
      AddressSpace& changed = world.spaces.Mutable().Mutable(number);
      changed.Unmap(m.start, m.length);
      ReleaseObject(world, m.object);
      m.object = std::exchange(m.file, -1);
      m.offset = m.file_offset;
      m.own = false;
      changed.Map(m);
    }
  }
}

Result ReadFile(Machine& m, const Fd& fd, int64_t count) {
  Description& description = MutableDescription(m, fd);
  if (RefusesDirect(m, description)) return Fail(EINVAL);
  const int contents = ContentsOf(m.world, description.inode);
  const MemoryObject& object = *m.world.memory->Find(contents);
  const int64_t from = description.position;
  std::string data = object.Read(from, count);
  const Outcome* seen = m.choice.seen();
  if (seen != nullptr && seen->data.size() == data.size()) {
    object.TakeLoose(from, seen->data, &data);
  }
  Outcome outcome = Returns(static_cast<int64_t>(data.size()));
  description.position += outcome.ret;
  outcome.data = std::move(data);
  return Done(std::move(outcome));
}

Result WriteFile(Machine& m, const Fd& fd, std::string_view data) {
  Description& description = MutableDescription(m, fd);
  if (RefusesDirect(m, description)) return Fail(EINVAL);
  if (data.empty()) return Done(0);
  const int contents = ContentsOf(m.world, description.inode);
  MemoryObject& object = m.world.memory.Mutable().Mutable(contents);
  const bool append = (description.flags & O_APPEND) != 0;
  const int64_t from = append ? object.size : description.position;
  if (from > kHuge - static_cast<int64_t>(data.size())) {
    Errors errors;
    for (int e : {EFBIG, ENOSPC, EINVAL}) errors.If(m.choice.SawError(e), e);
    errors.If(from > INT64_MAX - static_cast<int64_t>(data.size()), EFBIG);
    if (errors.any()) return m.choice.FailWithAny(errors);
  }
  const int64_t end = from + static_cast<int64_t>(data.size());
  if (end > object.size) object.Resize(end);
  object.Write(from, data);
  description.position = end;
  return Done(static_cast<int64_t>(data.size()));
}

Result Step(Machine& m, const Lseek& call) {
  const Description* description = m.world.FindDescription(m.task, call.fd.value);
  Errors errors;
  errors.If(description == nullptr, EBADF);
  errors.If(description != nullptr && description->pipe >= 0, ESPIPE);
  errors.If(errors.any() && call.offset < 0, EINVAL);
  if (errors.any()) return m.choice.FailWithAny(errors);
  // Where directories and devices can be sought to is theirs to say.
  if (!IsFile(*description)) return m.choice.SawSuccess() ? Done(m.choice.seen()->ret) : Done(0);
  if (call.offset < 0 || (call.offset > kHuge && m.choice.SawError(EINVAL))) return Fail(EINVAL);
  MutableDescription(m, call.fd).position = call.offset;
  return Done(call.offset);
}

Result Step(Machine& m, const Ftruncate& call) {
  const Description* description = m.world.FindDescription(m.task, call.fd.value);
  Errors errors;
  errors.If(description == nullptr, EBADF);
  errors.If(call.length < 0, EINVAL);
  if (description != nullptr) {
    errors.If(!description->writes(), EINVAL);
    errors.If(!description->writes(), EBADF);
    // A queue is a file to Linux, without a size that could be set.
    const bool queue = description->kind == Description::Kind::kQueue && m.choice.SawSuccess();
    errors.If(!IsFile(*description) && !queue, EINVAL);
  }
  for (int e : {EFBIG, EINVAL, ENOSPC}) {
    errors.If(call.length > kHuge && m.choice.SawError(e), e);
  }
  if (errors.any()) return m.choice.FailWithAny(errors);
  if (IsFile(*description)) {
    Truncate(m.world, ContentsOf(m.world, description->inode), call.length);
  }
  return Done(0);
}

Result Step(Machine& m, const Fchmod& call) {
  return ChangeInode(m, call.fd, [&](FileTree& files, int inode) {
    return files.Chmod(inode, call.mode.bits, PermitOf(m));
  });
}

Result Step(Machine& m, const Fchown& call) {
  return ChangeInode(m, call.fd, [&](FileTree& files, int inode) {
    return files.Chown(inode, call.uid, call.gid, PermitOf(m));
  });
}

Result Step(Machine& m, const FileSize& call) {
  const Description* description = m.world.FindDescription(m.task, call.fd.value);
  if (description == nullptr) return Fail(EBADF);
  if (IsFile(*description)) {
    const int contents = ContentsOf(m.world, description->inode);
    return Done(m.world.memory->Find(contents)->size);
  }
  return Done(m.choice.SawSuccess() ? m.choice.seen()->ret : 0);  // of other things nobody says
}

FileTree::Place FindShared(const Machine& m, std::string_view prefix, std::string_view name) {
  FileTree::Place place;
  const size_t begin = std::min(name.find_first_not_of('/'), name.size());
  // Names that begin otherwise than with one slash mean what the implementation says
  // (POSIX.1-2024 shm_open); Linux passes over all there are.
  const bool portable = begin == 1;
  name.remove_prefix(begin);
  const bool dots = name == "." || name == "..";
  const bool bad = name.empty() || name.find('/') != name.npos || dots;
  // How much of NAME_MAX counts differs between versions of the library.
  const bool long_name = name.size() + prefix.size() > NAME_MAX;
  const bool nearly = name.size() + prefix.size() + 4 > NAME_MAX;
  place.errors.If(long_name, ENAMETOOLONG);
  place.errors.If(nearly && m.choice.SawError(ENAMETOOLONG), ENAMETOOLONG);
  place.errors.If(bad || long_name, EINVAL);
  place.errors.If((nearly || !portable) && m.choice.SawError(EINVAL), EINVAL);
  place.errors.If(bad || long_name, ENOENT);
  place.errors.If(dots, EISDIR);
  if (place.errors.any()) return place;
  return m.world.files->Find(FileTree::kShared, Cat(prefix, name), false, PermitOf(m));
}

Result Step(Machine& m, const ShmOpen& call) {
  // shm_open(3) knows no access but these two.
  const int64_t access = call.flags.bits & O_ACCMODE;
  if (access != O_RDONLY && access != O_RDWR && m.choice.SawError(EINVAL)) return Fail(EINVAL);
  const FileTree::Place place = FindShared(m, "", call.name);
  return OpenPlace(m, place, call.flags.bits | O_NOFOLLOW | O_CLOEXEC, call.mode);
}

Result Step(Machine& m, const ShmUnlink& call) {
  Result result = UnlinkPlace(m, FindShared(m, "", call.name));
  // The library says EACCES where unlink(2) says EPERM.
  if (result.outcome.error == EPERM && !m.choice.SawError(EPERM)) result = Fail(EACCES);
  return result;
}

}  // namespace ipcspec
