// Names: open(2), mkfifo(3), mknod(2), mkdir(2), symlink(2), unlink(2), rename(2), chmod(2),
// chown(2), stat(2), mount(2), ftok(3). Where a path leads is impl/mechanism/file_tree.h; the
// rendezvous of FIFOs is impl/mechanism/pipe.h.
#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "impl/call/check.h"
#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// The inode that a relative path starts from, or the error: EBADF, ENOTDIR.
int Start(const Machine& m, const Fd& dirfd, Errors& errors) {
  if (dirfd.value == kCwd) return FileTree::kRoot;
  const Description* description = m.world.FindDescription(m.task, dirfd.value);
  errors.If(description == nullptr, EBADF);
  errors.If(description != nullptr && description->kind != Description::Kind::kDirectory, ENOTDIR);
  return errors.any() ? FileTree::kRoot : description->inode;
}

FileTree::Place Find(const Machine& m, const Fd& dirfd, const std::string& path, bool follow) {
  FileTree::Place place;
  const int start = Start(m, dirfd, place.errors);
  if (place.errors.any()) return place;
  return m.world.files->Find(start, path, follow, PermitOf(m));
}

// The end of a call that has these errors, or succeeds with 0.
Result End(Machine& m, const Errors& errors) {
  return errors.any() ? m.choice.FailWithAny(errors) : Done(0);
}

Result MakeNode(Machine& m, const FileTree::Place& place, int64_t mode) {
  if (place.errors.any()) return m.choice.FailWithAny(place.errors);
  int made = -1;
  const int64_t masked = (mode & S_IFMT) | (mode & 07777 & ~m.self().umask);
  return End(m, m.world.files.Mutable().Make(place, masked, PermitOf(m), &made));
}

// What stands against opening what the path leads to.
Errors OpenErrors(const Machine& m, const FileTree::Place& place, OpenFlags flags) {
  Errors errors = place.errors;
  errors.If(FreeDescriptor(m.world, m.task) < 0, EMFILE);
  const bool create = flags.has(O_CREAT);
  // No file can be made by a name that asks for a directory (path_resolution(7)).
  errors.If(place.errors.any() && create && place.slash, EISDIR);
  if (place.errors.any()) return errors;
  errors.If(place.inode < 0 && !create, ENOENT);
  // A combination without meaning; Linux made a file before 6.4 (open(2)), below.
  errors.If(
      create && flags.has(O_DIRECTORY) && (m.dialect().Since(6, 4) || m.choice.SawError(EINVAL)),
      EINVAL);
  const int64_t access = flags.bits & O_ACCMODE;
  // The fourth access mode asks for both rights and gives neither; on Linux alone.
  errors.If(access == O_ACCMODE && m.choice.SawError(EINVAL), EINVAL);
  if (place.inode < 0) return errors;
  const Inode& inode = *m.world.files->Get(place.inode);
  errors.If(S_ISFIFO(inode.mode) && access == O_ACCMODE, EINVAL);
  errors.If(create && flags.has(O_EXCL), EEXIST);
  errors.If(S_ISLNK(inode.mode) && !flags.has(O_EXCL), ELOOP);
  errors.If(S_ISSOCK(inode.mode), ENXIO);
  errors.If(flags.has(O_DIRECTORY) && !S_ISDIR(inode.mode), ENOTDIR);
  const bool truncates = flags.has(O_TRUNC) && S_ISREG(inode.mode);
  errors.If(S_ISDIR(inode.mode) && (access != O_RDONLY || create), EISDIR);
  const int64_t wanted = (access == O_WRONLY ? 0 : 4) | (access != O_RDONLY || truncates ? 2 : 0);
  errors.If(!S_ISLNK(inode.mode) && !m.world.files->Grants(place.inode, wanted, PermitOf(m)),
            EACCES);
  errors.If(S_ISREG(inode.mode) && (wanted & 2) != 0 && m.world.files->IsReadOnly(place.inode),
            EROFS);
  // proc(5): fs.protected_regular and protected_fifos may keep O_CREAT from what others own.
  const Inode& directory = *m.world.files->Get(place.directory);
  const bool others = inode.uid != m.caller.creds.uid && inode.uid != directory.uid;
  errors.If(create && (directory.mode & S_ISVTX) != 0 && others && m.choice.SawError(EACCES),
            EACCES);
  return errors;
}

// Opens the FIFO as far as its other end allows.
Result OpenFifo(Machine& m, OpenFlags flags, int inode) {
  const int64_t access = flags.bits & O_ACCMODE;
  const bool reads = access != O_WRONLY, writes = access != O_RDONLY;
  Pipe& pipe = m.world.pipes.Mutable().Mutable(m.world.files->Get(inode)->pipe);
  const bool waited = m.caller.progress->phase > 0;
  const int64_t mark = pipe.WriterMark();
  Result result = pipe.OpenFifo(reads, writes, flags.has(O_NONBLOCK), m.caller, m.choice);
  if (result.kind != Result::kDone) return result;
  if (result.outcome.ok() && flags.has(O_DIRECT) && m.choice.SawError(EINVAL)) {
    // Packets need not be had by O_DIRECT here (open(2)); it was open for a moment.
    if (reads) pipe.CloseReader();
    if (writes) pipe.CloseWriter();
    result = Fail(EINVAL);
  }
  if (!result.outcome.ok()) {
    ReleaseInode(m.world, inode);
    return result;
  }
  const int description = m.world.descriptions.Mutable().Add(
      {.kind = Description::Kind::kFifo,
       .flags = access | (flags.bits & (O_NONBLOCK | O_DIRECT | O_APPEND)),
       .pipe = m.world.files->Get(inode)->pipe,
       .inode = inode,
       .writer_mark = waited ? -1 : mark});
  const int64_t fd = FreeDescriptor(m.world, m.task);
  Install(m.world, m.task, fd, description, flags.has(O_CLOEXEC));
  return Done(fd);
}

}  // namespace

Permit PermitOf(const Machine& m) {
  return {.creds = m.caller.creds, .override_all = m.caller.Can(Capability::kDacOverride)};
}

void ReleaseInode(World& world, int inode) {
  const Inode held = *world.files->Get(inode);
  if (held.held == 1 && held.pipe >= 0) {
    world.pipes.Mutable().Erase(held.pipe);
    world.files.Mutable().SetPipe(inode, -1);
  }
  world.files.Mutable().Release(inode);
  DropContents(world, inode, held.contents);
}

void AbandonOpen(World& world, const Open& call, const Progress& progress) {
  if (progress.phase == 0) return;
  const int pipe = world.files->Get(progress.object)->pipe;
  const bool reads = (call.flags.bits & O_ACCMODE) != O_WRONLY;
  world.pipes.Mutable().Mutable(pipe).AbandonOpen(reads);
  ReleaseInode(world, progress.object);
}

Result OpenPlace(Machine& m, const FileTree::Place& place, OpenFlags flags, Mode mode) {
  if (const Errors errors = OpenErrors(m, place, flags); errors.any()) {
    return m.choice.FailWithAny(errors);
  }
  int inode = place.inode;
  if (inode < 0) {
    const int64_t masked = S_IFREG | (mode.bits & 07777 & ~m.self().umask);
    const Errors errors = m.world.files.Mutable().Make(place, masked, PermitOf(m), &inode);
    if (errors.any()) return m.choice.FailWithAny(errors);
  }
  const bool regular = S_ISREG(m.world.files->Get(inode)->mode);
  // A file system need not have O_DIRECT (open(2)); it made the file before it said so.
  if (regular && flags.has(O_DIRECT) && m.choice.SawError(EINVAL)) return Fail(EINVAL);
  if (regular && flags.has(O_DIRECTORY) && m.choice.SawError(ENOTDIR)) return Fail(ENOTDIR);
  if (regular && flags.has(O_TRUNC) && inode == place.inode) {
    // With O_RDONLY nothing says what happens (open(2)); Linux truncates.
    const bool undefined = (flags.bits & O_ACCMODE) == O_RDONLY;
    if (!undefined || m.choice.Hidden(2) == 0) Truncate(m.world, ContentsOf(m.world, inode), 0);
  }
  FileTree& files = m.world.files.Mutable();
  files.Hold(inode);
  if (S_ISFIFO(files.Get(inode)->mode)) {
    if (files.Get(inode)->pipe < 0) {
      files.SetPipe(inode, m.world.pipes.Mutable().Add(Pipe(m.dialect())));
    }
    m.caller.progress->object = inode;
    return OpenFifo(m, flags, inode);
  }
  const bool directory = S_ISDIR(files.Get(inode)->mode);
  const int description = m.world.descriptions.Mutable().Add(
      {.kind = directory ? Description::Kind::kDirectory : Description::Kind::kFile,
       .flags = flags.bits & (O_ACCMODE | O_NONBLOCK | O_DIRECT | O_APPEND),
       .inode = inode});
  const int64_t fd = FreeDescriptor(m.world, m.task);
  Install(m.world, m.task, fd, description, flags.has(O_CLOEXEC));
  return Done(fd);
}

Result Step(Machine& m, const Open& call) {
  if (m.caller.progress->phase > 0) return OpenFifo(m, call.flags, m.caller.progress->object);
  if (call.memory == Memory::kBad) {
    Errors errors;
    errors.If(true, EFAULT);
    errors.If(FreeDescriptor(m.world, m.task) < 0, EMFILE);
    return m.choice.FailWithAny(errors);
  }
  const bool follow = !call.flags.has(O_NOFOLLOW) && !call.flags.has(O_CREAT | O_EXCL);
  return OpenPlace(m, Find(m, call.dirfd, call.path, follow), call.flags, call.mode);
}

Result Step(Machine& m, const Stat& call) {
  const FileTree::Place place = Find(m, kCwd, call.path, true);
  if (place.errors.any()) return m.choice.FailWithAny(place.errors);
  if (place.inode < 0) return Fail(ENOENT);
  Result result = m.world.files->Stat(place.inode);
  // How many links a directory has is the file system's business.
  int64_t& links = result.outcome.values[3];
  if (S_ISDIR(result.outcome.values[0])) links = m.choice.Value(3, 0, INT64_MAX, links);
  return result;
}

Result Step(Machine& m, const Mkfifo& call) {
  return MakeNode(m, Find(m, call.dirfd, call.path, false), S_IFIFO | (call.mode.bits & 07777));
}

Result Step(Machine& m, const Mknod& call) {
  if (call.memory == Memory::kBad) return Fail(EFAULT);
  const int64_t type = call.mode.bits & S_IFMT;
  const FileTree::Place place = Find(m, call.dirfd, call.path, false);
  if (type != S_IFIFO && type != S_IFREG && type != 0) {
    Errors errors = place.errors;
    errors.If(true, EINVAL);
    errors.If(true, EPERM);
    errors.If(place.inode >= 0, EEXIST);
    return m.choice.FailWithAny(errors);
  }
  return MakeNode(m, place, type == 0 ? call.mode.bits | S_IFREG : call.mode.bits);
}

Result Step(Machine& m, const Mkdir& call) {
  return MakeNode(m, Find(m, kCwd, call.path, false), S_IFDIR | (call.mode.bits & 01777));
}

Result Step(Machine& m, const Symlink& call) {
  const FileTree::Place place = Find(m, kCwd, call.path, false);
  if (place.errors.any()) return m.choice.FailWithAny(place.errors);
  return End(m, m.world.files.Mutable().MakeLink(place, call.target, PermitOf(m)));
}

Result UnlinkPlace(Machine& m, const FileTree::Place& place) {
  if (place.errors.any()) return m.choice.FailWithAny(place.errors);
  const int contents = place.inode >= 0 ? m.world.files->Get(place.inode)->contents : -1;
  const Errors errors = m.world.files.Mutable().Unlink(place, PermitOf(m));
  DropContents(m.world, place.inode, contents);
  return End(m, errors);
}

Result Step(Machine& m, const Unlink& call) {
  return UnlinkPlace(m, Find(m, kCwd, call.path, false));
}

Result Step(Machine& m, const Rename& call) {
  const FileTree::Place from = Find(m, kCwd, call.from, false);
  const FileTree::Place to = Find(m, kCwd, call.to, false);
  Errors errors = from.errors;
  for (int e : to.errors.list()) errors.If(true, e);
  if (from.directory < 0 || to.directory < 0) return m.choice.FailWithAny(errors);
  const int contents = to.inode >= 0 ? m.world.files->Get(to.inode)->contents : -1;
  errors = m.world.files.Mutable().Rename(from, to, PermitOf(m));
  DropContents(m.world, to.inode, contents);
  return End(m, errors);
}

Result Step(Machine& m, const Chmod& call) {
  const FileTree::Place place = Find(m, kCwd, call.path, true);
  if (place.errors.any()) return m.choice.FailWithAny(place.errors);
  if (place.inode < 0) return Fail(ENOENT);
  return End(m, m.world.files.Mutable().Chmod(place.inode, call.mode.bits, PermitOf(m)));
}

Result Step(Machine& m, const Chown& call) {
  const FileTree::Place place = Find(m, kCwd, call.path, true);
  if (place.errors.any()) return m.choice.FailWithAny(place.errors);
  if (place.inode < 0) return Fail(ENOENT);
  return End(m, m.world.files.Mutable().Chown(place.inode, call.uid, call.gid, PermitOf(m)));
}

Result Step(Machine& m, const MountTmpfs& call) {
  const FileTree::Place place = Find(m, kCwd, call.path, true);
  Errors errors = place.errors;
  errors.If(!m.caller.Can(Capability::kSysAdmin), EPERM);
  errors.If(!place.errors.any() && place.inode < 0, ENOENT);
  errors.If(place.inode >= 0 && !S_ISDIR(m.world.files->Get(place.inode)->mode), ENOTDIR);
  if (errors.any()) return m.choice.FailWithAny(errors);
  m.world.files.Mutable().Mount(place, call.inodes);
  return Done(0);
}

Result Step(Machine& m, const RemountReadOnly& call) {
  const FileTree::Place place = Find(m, kCwd, call.path, true);
  Errors errors = place.errors;
  errors.If(!m.caller.Can(Capability::kSysAdmin), EPERM);
  errors.If(!place.errors.any() && place.inode < 0, ENOENT);
  if (errors.any()) return m.choice.FailWithAny(errors);
  return End(m, m.world.files.Mutable().RemountReadOnly(place.inode, m.choice));
}

Result Step(Machine& m, const Ftok& call) {
  const FileTree::Place place = Find(m, kCwd, call.path, true);
  if (place.errors.any()) return m.choice.FailWithAny(place.errors);
  if (place.inode < 0) return Fail(ENOENT);
  return m.world.files.Mutable().Ftok(place.inode, call.id, m.choice);
}

}  // namespace ipcspec
