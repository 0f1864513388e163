// Where paths lead and what stands against a change; see file_tree.h for the idea.
//
// Each change lists every error that applies, and happens only where there is none: the order in
// which a kernel looks is not ours.
#include "impl/mechanism/file_tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <utility>
#include <vector>

namespace ipcspec {
namespace {

constexpr int kMaxLinks = 40;  // path_resolution(7)

bool IsDirectory(const Inode& inode) { return S_ISDIR(inode.mode); }
bool IsDots(const std::string& name) { return name == "." || name == ".."; }

// The parts of a path between slashes; a slash at the end asks for a directory.
std::vector<std::string> Parts(std::string_view path, bool* wants_directory) {
  std::vector<std::string> parts;
  *wants_directory = !path.empty() && path.back() == '/';
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (slash > at) parts.emplace_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  if (parts.empty() && !path.empty()) parts.push_back(".");  // "/"
  return parts;
}

}  // namespace

FileTree::FileTree() {
  inodes_.Insert(kRoot, {.mode = S_IFDIR | 0777, .links = 2});
  inodes_.Insert(kShared,
                 {.mode = S_IFDIR | 01777, .links = 2, .parent = kShared, .file_system = 1});
  file_systems_[0] = {};
  file_systems_[1] = {};
}

bool FileTree::Grants(int inode, int64_t wanted, const Permit& permit) const {
  const Inode& i = *Get(inode);
  // Root may do all, but execute a file that nobody may.
  if (permit.override_all) return true;
  int64_t bits = i.mode & 7;
  if (permit.creds.uid == i.uid) {
    bits = (i.mode >> 6) & 7;
  } else if (permit.creds.InGroup(i.gid)) {
    bits = (i.mode >> 3) & 7;
  }
  return (bits & wanted) == wanted;
}

FileTree::Place FileTree::Find(int from, std::string_view path, bool follow,
                               const Permit& permit) const {
  Place place;
  if (path.size() >= PATH_MAX) {
    place.errors.If(true, ENAMETOOLONG);
    return place;
  }
  std::vector<std::string> rest = Parts(path, &place.slash);
  std::reverse(rest.begin(), rest.end());
  int links = 0;
  int directory = from;
  // What does not follow a link at the end need not look where it leads, slash or not: it can say
  // that there is something, and that this is no directory.
  const auto stop = [&place](int error) {
    place.errors.If(true, error);
    place.errors.If(place.through_link, EEXIST);
    place.errors.If(place.through_link, ENOTDIR);
    return place;
  };
  while (true) {
    if (rest.empty()) return stop(ENOENT);
    const bool last = rest.size() == 1;
    const std::string name = rest.back();
    rest.pop_back();
    if (!IsDirectory(*Get(directory))) return stop(ENOTDIR);
    // A name that is too long, in a directory that may not be searched: either may be said.
    const bool searchable = Grants(directory, 1, permit);
    place.errors.If(!searchable, EACCES);
    if (name.size() > NAME_MAX) return stop(ENAMETOOLONG);
    if (!searchable) return stop(EACCES);

    int found = -1;
    if (name == ".") {
      found = directory;
    } else if (name == "..") {
      found = Get(directory)->parent;
    } else if (const auto it = Get(directory)->names.find(name);
               it != Get(directory)->names.end()) {
      found = it->second;
    }
    if (found >= 0 && S_ISLNK(Get(found)->mode) && (!last || follow || place.slash)) {
      if (++links > kMaxLinks) return stop(ELOOP);
      if (last && !follow) {
        place.through_link = true;
        place.directory = directory;
        place.name = name;
      }
      bool ignored = false;
      std::vector<std::string> more = Parts(Get(found)->target, &ignored);
      std::reverse(more.begin(), more.end());
      rest.insert(rest.end(), more.begin(), more.end());
      continue;
    }
    if (last) {
      place.directory = directory;
      place.name = name;
      place.inode = found;
      // What would make the name may say as well that it is there.
      const bool no_directory = place.slash && found >= 0 && !IsDirectory(*Get(found));
      place.errors.If(no_directory, ENOTDIR);
      place.errors.If(no_directory && !follow, EEXIST);
      return place;
    }
    if (found < 0) return stop(ENOENT);
    directory = found;
  }
}

// What stands against adding or removing a name.
Errors FileTree::MayChange(int directory, const Permit& permit) const {
  Errors errors;
  errors.If(file_systems_.at(Get(directory)->file_system).read_only, EROFS);
  errors.If(!Grants(directory, 3, permit), EACCES);
  errors.If(Get(directory)->links == 0, ENOENT);
  return errors;
}

// The same, and what stands against this name going: with S_ISVTX only the owner of the file or of
// the directory may remove it (unlink(2), rename(2)).
Errors FileTree::MayRemove(const Place& place, const Permit& permit) const {
  Errors errors = MayChange(place.directory, permit);
  const Inode& directory = *Get(place.directory);
  const int64_t uid = permit.creds.uid;
  const bool forbidden = (directory.mode & S_ISVTX) != 0 && place.inode >= 0 && uid != 0 &&
                         uid != directory.uid && uid != Get(place.inode)->uid;
  errors.If(forbidden, EPERM);
  errors.If(forbidden, EACCES);
  return errors;
}

// A mounted file system begins there.
bool FileTree::IsMount(const Place& place) const {
  return place.inode >= 0 && Get(place.inode)->file_system != Get(place.directory)->file_system;
}

// Whether `inode` is the directory or lies below it.
bool FileTree::IsWithin(int inode, int directory) const {
  while (inode != directory && inode != kRoot) inode = Get(inode)->parent;
  return inode == directory;
}

int FileTree::Add(Inode inode, const Place& place) {
  const int number = next_++;
  inode.file_system = Get(place.directory)->file_system;
  inode.parent = place.directory;
  inodes_.Insert(number, std::move(inode));
  inodes_.Mutable(place.directory).names[place.name] = number;
  return number;
}

Errors FileTree::Make(const Place& place, int64_t mode, const Permit& permit, int* made) {
  Errors errors = MayChange(place.directory, permit);
  errors.If(place.inode >= 0 || place.through_link, EEXIST);
  // mkdir(2) alone makes something that a path with a slash behind can name.
  const bool slash = place.slash && (!S_ISDIR(mode) || place.through_link);
  errors.If(slash, ENOENT);
  errors.If(slash, ENOTDIR);
  errors.If(slash, EISDIR);
  const int fs = Get(place.directory)->file_system;
  if (const int64_t limit = file_systems_.at(fs).inodes; limit > 0) {
    const auto count = std::count_if(inodes_.begin(), inodes_.end(), [fs](const auto& entry) {
      const Inode& inode = *entry.second;
      return inode.file_system == fs && (inode.links > 0 || inode.held > 0);
    });
    errors.If(count >= limit, ENOSPC);
  }
  if (errors.any()) return errors;
  // mkdir(2), open(2): S_ISGID of a directory hands its group down, and itself to directories.
  const Inode& parent = *Get(place.directory);
  const bool hands_down = (parent.mode & S_ISGID) != 0;
  if (hands_down && S_ISDIR(mode)) mode |= S_ISGID;
  *made = Add({.mode = mode,
               .uid = permit.creds.uid,
               .gid = hands_down ? parent.gid : permit.creds.gid,
               .links = S_ISDIR(mode) ? 2 : 1},
              place);
  return errors;
}

Errors FileTree::MakeLink(const Place& place, std::string target, const Permit& permit) {
  Errors errors;
  errors.If(target.empty(), ENOENT);
  errors.If(target.size() >= PATH_MAX, ENAMETOOLONG);
  if (errors.any()) return errors;
  int made = -1;
  errors = Make(place, S_IFLNK | 0777, permit, &made);
  if (!errors.any()) inodes_.Mutable(made).target = std::move(target);
  return errors;
}

void FileTree::RemoveName(int directory, const std::string& name) {
  Inode& parent = inodes_.Mutable(directory);
  const int inode = parent.names.at(name);
  parent.names.erase(name);
  inodes_.Mutable(inode).links = 0;
  MayForget(inode);
}

void FileTree::MayForget(int inode) {
  // A directory may be the ".." of one that is open.
  const Inode& i = *Get(inode);
  if (i.links == 0 && i.held == 0 && !IsDirectory(i)) inodes_.Erase(inode);
}

void FileTree::Release(int inode) {
  --inodes_.Mutable(inode).held;
  MayForget(inode);
}

Errors FileTree::Unlink(const Place& place, const Permit& permit) {
  Errors errors = MayRemove(place, permit);
  errors.If(place.inode < 0, ENOENT);
  errors.If(place.through_link, ENOTDIR);
  // unlink(2): Linux says EISDIR of a directory, POSIX EPERM.
  const bool directory = place.inode >= 0 && IsDirectory(*Get(place.inode));
  errors.If(directory, EISDIR);
  errors.If(directory, EPERM);
  errors.If(IsMount(place), EBUSY);
  if (!errors.any()) RemoveName(place.directory, place.name);
  return errors;
}

Errors FileTree::Rename(const Place& from, const Place& to, const Permit& permit) {
  Errors errors = MayRemove(from, permit);
  errors.If(from.inode < 0, ENOENT);
  const Errors at_target = MayRemove(to, permit);
  for (const Errors& more : {at_target, from.errors, to.errors}) {
    for (int e : more.list()) errors.If(true, e);
  }
  const bool across = Get(from.directory)->file_system != Get(to.directory)->file_system;
  errors.If(across, EXDEV);
  errors.If(from.through_link || to.through_link, ENOTDIR);
  // rename(2): what is in use as a mount or as somebody's directory; POSIX says EINVAL of dots.
  const bool dots = IsDots(from.name) || IsDots(to.name);
  errors.If(dots || IsMount(from) || IsMount(to), EBUSY);
  errors.If(dots, EINVAL);
  if (from.inode >= 0) {
    const bool directory = IsDirectory(*Get(from.inode));
    errors.If(to.slash && !directory, ENOTDIR);
    if (directory && to.inode != from.inode) {
      errors.If(IsWithin(to.directory, from.inode), EINVAL);
      // Its ".." changes (rename(2)).
      errors.If(from.directory != to.directory && !Grants(from.inode, 2, permit), EACCES);
    }
  }
  if (from.inode >= 0 && to.inode >= 0 && to.inode != from.inode) {
    const bool old_is = IsDirectory(*Get(from.inode)), new_is = IsDirectory(*Get(to.inode));
    errors.If(old_is && !new_is, ENOTDIR);
    errors.If(!old_is && new_is, EISDIR);
    errors.If(new_is && !Get(to.inode)->names.empty(), ENOTEMPTY);
    errors.If(new_is && !Get(to.inode)->names.empty(), EEXIST);
  }
  if (errors.any() || to.inode == from.inode) return errors;
  if (to.inode >= 0) RemoveName(to.directory, to.name);
  inodes_.Mutable(from.directory).names.erase(from.name);
  inodes_.Mutable(to.directory).names[to.name] = from.inode;
  inodes_.Mutable(from.inode).parent = to.directory;
  return errors;
}

Errors FileTree::Chmod(int inode, int64_t mode, const Permit& permit) {
  Errors errors;
  errors.If(file_systems_.at(Get(inode)->file_system).read_only, EROFS);
  errors.If(permit.creds.uid != 0 && permit.creds.uid != Get(inode)->uid, EPERM);
  if (errors.any()) return errors;
  Inode& i = inodes_.Mutable(inode);
  // chmod(2): who is not of the file's group cannot hand it on.
  if (permit.creds.uid != 0 && !permit.creds.InGroup(i.gid)) mode &= ~int64_t{S_ISGID};
  i.mode = (i.mode & S_IFMT) | (mode & 07777);
  return errors;
}

Errors FileTree::Chown(int inode, int64_t uid, int64_t gid, const Permit& permit) {
  Errors errors;
  errors.If(file_systems_.at(Get(inode)->file_system).read_only, EROFS);
  const Inode& before = *Get(inode);
  if (uid == -1) uid = before.uid;
  if (gid == -1) gid = before.gid;
  const bool owner = permit.creds.uid == before.uid;
  // An owner may only give the file to a group of its own, or leave it where it is.
  const bool group = permit.creds.InGroup(gid) || gid == before.gid;
  errors.If(permit.creds.uid != 0 && !(owner && uid == before.uid && group), EPERM);
  if (errors.any()) return errors;
  Inode& i = inodes_.Mutable(inode);
  i.uid = uid, i.gid = gid;
  return errors;
}

void FileTree::Mount(const Place& place, int64_t inodes) {
  const int fs = static_cast<int>(file_systems_.size());
  file_systems_[fs] = {.read_only = false, .inodes = inodes};
  const int root = next_++;
  inodes_.Insert(
      root, {.mode = S_IFDIR | 0777, .links = 2, .parent = place.directory, .file_system = fs});
  inodes_.Mutable(place.directory).names[place.name] = root;
}

Errors FileTree::RemountReadOnly(int inode, Choice& choice) {
  Errors errors;
  const int fs = Get(inode)->file_system;
  errors.If(fs == 0 || Get(Get(inode)->parent)->file_system == fs, EINVAL);
  const bool used = std::any_of(inodes_.begin(), inodes_.end(), [fs](const auto& entry) {
    return entry.second->file_system == fs && entry.second->held > 0;
  });
  // mount(2) says it of files open for writing; whether a FIFO is one is not said.
  errors.If(used && (choice.mode() == Choice::Mode::kUsual || choice.SawError(EBUSY)), EBUSY);
  if (errors.any()) return errors;
  file_systems_[Get(inode)->file_system].read_only = true;
  return errors;
}

Result FileTree::Stat(int inode) const {
  const Inode& i = *Get(inode);
  Outcome outcome = Returns(0);
  outcome.values = {i.mode, i.uid, i.gid, i.links};
  return Done(std::move(outcome));
}

Result FileTree::Ftok(int inode, int64_t id, Choice& choice) {
  const int64_t low = id & 0xff;
  if (low == 0 && choice.SawSuccess()) return Done(choice.seen()->ret);  // unspecified (ftok(3))
  std::map<int64_t, int64_t>& keys = inodes_.Mutable(inode).keys;
  if (const auto it = keys.find(low); it != keys.end()) return Done(it->second);
  int64_t key = static_cast<int32_t>(low << 24 | (inode & 0xffff));  // as glibc
  const int64_t seen = choice.Number(INT32_MIN, INT32_MAX, key);
  const bool taken = std::any_of(keys.begin(), keys.end(),
                                 [seen](const auto& entry) { return entry.second == seen; });
  if (!taken && seen != -1) key = seen;
  keys[low] = key;
  return Done(key);
}

}  // namespace ipcspec
