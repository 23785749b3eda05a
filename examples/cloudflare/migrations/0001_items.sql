create table items (
  id integer primary key,
  slug text not null unique,
  name text not null,
  views integer not null default 0
);
