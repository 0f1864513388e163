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

// The parts of a path between slashes; a slash at the end asks for a directory.
std::vector<std::string> Parts(std::string_view path, bool* wants_directory) {
  std::vector<std::string> parts;
  *wants_directory = !path.empty() && path.back() == '/';
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (slash > at) parts.emplace_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

}  // namespace

FileTree::FileTree() {
  inodes_.Insert(kRoot, {.mode = S_IFDIR | 0777, .links = 2});
  file_systems_[0] = {};
}

bool FileTree::Grants(int inode, int64_t wanted, const Permit& permit) const {
  const Inode& i = *Get(inode);
  // Root may do all, but execute a file that nobody may.
  if (permit.override_all) return true;
  int64_t bits = i.mode & 7;
  if (permit.creds.uid == i.uid) {
    bits = (i.mode >> 6) & 7;
  } else if (permit.creds.gid == i.gid) {
    bits = (i.mode >> 3) & 7;
  }
  return (bits & wanted) == wanted;
}

FileTree::Place FileTree::Find(int from, std::string_view path, bool follow,
                               const Permit& permit) const {
  Place place;
  if (path.empty()) {
    place.errors.If(true, ENOENT);
    return place;
  }
  if (path.size() >= PATH_MAX) {
    place.errors.If(true, ENAMETOOLONG);
    return place;
  }
  bool wants_directory = false;
  std::vector<std::string> rest = Parts(path, &wants_directory);
  std::reverse(rest.begin(), rest.end());
  int links = 0;
  int directory = from;
  while (true) {
    const bool last = rest.size() == 1;
    const std::string name = rest.back();
    rest.pop_back();
    if (Get(directory) == nullptr || !IsDirectory(*Get(directory))) {
      place.errors.If(true, ENOTDIR);
      return place;
    }
    // A name that is too long, in a directory that may not be searched: either may be said.
    place.errors.If(!Grants(directory, 1, permit), EACCES);
    place.errors.If(name.size() > NAME_MAX, ENAMETOOLONG);
    if (place.errors.any()) return place;

    int found = -1;
    if (name == ".") {
      found = directory;
    } else if (name == "..") {
      found = Get(directory)->parent;
    } else if (const auto it = Get(directory)->names.find(name);
               it != Get(directory)->names.end()) {
      found = it->second;
    }
    if (found >= 0 && S_ISLNK(Get(found)->mode) && (!last || follow || wants_directory)) {
      if (++links > kMaxLinks) {
        place.errors.If(true, ELOOP);
        return place;
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
      place.errors.If(wants_directory && found >= 0 && !IsDirectory(*Get(found)), ENOTDIR);
      return place;
    }
    if (found < 0) {
      place.errors.If(true, ENOENT);
      return place;
    }
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
  errors.If(place.inode >= 0, EEXIST);
  const int fs = Get(place.directory)->file_system;
  if (const int64_t limit = file_systems_.at(fs).inodes; limit > 0) {
    const auto count = std::count_if(inodes_.begin(), inodes_.end(), [fs](const auto& entry) {
      return entry.second->file_system == fs;
    });
    errors.If(count >= limit, ENOSPC);
  }
  if (errors.any()) return errors;
  *made = Add({.mode = mode,
               .uid = permit.creds.uid,
               .gid = permit.creds.gid,
               .links = S_ISDIR(mode) ? 2 : 1},
              place);
  return errors;
}

Errors FileTree::MakeLink(const Place& place, std::string target, const Permit& permit) {
  int made = -1;
  Errors errors = Make(place, S_IFLNK | 0777, permit, &made);
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
  if (Get(inode)->links == 0 && Get(inode)->held == 0) inodes_.Erase(inode);
}

void FileTree::Release(int inode) {
  --inodes_.Mutable(inode).held;
  MayForget(inode);
}

Errors FileTree::Unlink(const Place& place, const Permit& permit) {
  Errors errors;
  if (place.inode < 0) {
    errors.If(true, ENOENT);
    return errors;
  }
  errors = MayChange(place.directory, permit);
  // unlink(2): Linux says EISDIR of a directory, POSIX EPERM.
  errors.If(IsDirectory(*Get(place.inode)), EISDIR);
  errors.If(IsDirectory(*Get(place.inode)), EPERM);
  if (!errors.any()) RemoveName(place.directory, place.name);
  return errors;
}

Errors FileTree::Rename(const Place& from, const Place& to, const Permit& permit) {
  Errors errors;
  if (from.inode < 0) {
    errors.If(true, ENOENT);
    return errors;
  }
  errors = MayChange(from.directory, permit);
  const Errors at_target = MayChange(to.directory, permit);
  for (int e : at_target.list()) errors.If(true, e);
  const bool across = Get(from.directory)->file_system != Get(to.directory)->file_system;
  errors.If(across, EXDEV);
  if (to.inode >= 0 && to.inode != from.inode) {
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
  i.mode = (i.mode & S_IFMT) | (mode & 07777);
  return errors;
}

Errors FileTree::Chown(int inode, int64_t uid, int64_t gid, const Permit& permit) {
  Errors errors;
  errors.If(file_systems_.at(Get(inode)->file_system).read_only, EROFS);
  const Inode& before = *Get(inode);
  const bool owner = permit.creds.uid == before.uid;
  // An owner may only give the file to a group of its own, which it may have already.
  errors.If(permit.creds.uid != 0 && !(owner && uid == before.uid && gid == permit.creds.gid),
            EPERM);
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

Errors FileTree::RemountReadOnly(int inode) {
  Errors errors;
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
  std::map<int64_t, int64_t>& keys = inodes_.Mutable(inode).keys;
  if (const auto it = keys.find(low); it != keys.end()) return Done(it->second);
  int64_t key = low << 24 | inode;  // as glibc: id, device, inode
  if (choice.SawSuccess()) {
    const int64_t seen = choice.seen()->ret;
    const bool taken = std::any_of(keys.begin(), keys.end(),
                                   [seen](const auto& entry) { return entry.second == seen; });
    if (!taken && seen != -1) key = seen;
  }
  keys[low] = key;
  return Done(key);
}

}  // namespace ipcspec
