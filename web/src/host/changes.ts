// What people who run a room may change in it, each one request. The socket brings the result to everybody; the answer brings it here at once.

import type { MessageInitShape } from "@bufbuild/protobuf";

import {
  ChangeRoomStateSchema,
  CreateNoticeSchema,
  CreateRoomSchema,
  EditRoomSchema,
  InvitationSchema,
  InviteModeratorSchema,
  PinCardsSchema,
  PutRunSheetSchema,
  RoomListSchema,
  type Invitation,
} from "../gen/apricot/v1/api_pb";
import { HostNoticeSchema, type HostNotice } from "../gen/apricot/v1/live_pb";
import { RoomFiguresSchema, type RoomFigures } from "../gen/apricot/v1/ops_pb";
import { ModerationSchema, RoomSchema, type Moderation, type Room, type RoomState, type RunSheetItem } from "../gen/apricot/v1/room_pb";
import { create } from "../wire/messages";
import { read, write } from "../wire/rest";

/** 500 of anything; nobody scrolls further. */
export const PAGES_MAX = 5;

export async function readMyRooms(): Promise<readonly Room[]> {
  const rooms: Room[] = [];
  let cursor = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const list = await read("/v1/rooms", {}, RoomListSchema, { mine: true, limit: 100, cursor });
    rooms.push(...list.rooms);
    cursor = list.nextCursor;
    if (cursor === "") break;
  }
  return rooms;
}

export function readRoom(room: string): Promise<Room> {
  return read("/v1/rooms/{room}", { room }, RoomSchema);
}

export function readFigures(room: string): Promise<RoomFigures> {
  return read("/v1/rooms/{room}/figures", { room }, RoomFiguresSchema);
}

export function createRoom(room: MessageInitShape<typeof CreateRoomSchema>): Promise<Room> {
  return write("post", "/v1/rooms", {}, { schema: CreateRoomSchema, message: create(CreateRoomSchema, room) }, RoomSchema);
}

export function editRoom(room: string, edit: MessageInitShape<typeof EditRoomSchema>): Promise<Room> {
  return write("put", "/v1/rooms/{room}", { room }, { schema: EditRoomSchema, message: create(EditRoomSchema, edit) }, RoomSchema);
}

export function changeState(room: string, state: RoomState): Promise<Room> {
  const message = create(ChangeRoomStateSchema, { state });
  return write("post", "/v1/rooms/{room}/state", { room }, { schema: ChangeRoomStateSchema, message }, RoomSchema);
}

export function putRunSheet(room: string, items: readonly RunSheetItem[], roomVersion: bigint): Promise<Room> {
  const message = create(PutRunSheetSchema, { items: [...items], roomVersion });
  return write("put", "/v1/rooms/{room}/run-sheet", { room }, { schema: PutRunSheetSchema, message }, RoomSchema);
}

export function pinCards(room: string, skus: readonly string[]): Promise<Room> {
  const message = create(PinCardsSchema, { skus: [...skus] });
  return write("put", "/v1/rooms/{room}/cards", { room }, { schema: PinCardsSchema, message }, RoomSchema);
}

export function notice(room: string, text: string): Promise<HostNotice> {
  const message = create(CreateNoticeSchema, { text });
  return write("post", "/v1/rooms/{room}/notices", { room }, { schema: CreateNoticeSchema, message }, HostNoticeSchema);
}

export function moderate(room: string, action: Exclude<Moderation["action"], { case: undefined }>): Promise<Room> {
  const message = create(ModerationSchema, { action });
  return write("post", "/v1/rooms/{room}/moderation", { room }, { schema: ModerationSchema, message }, RoomSchema);
}

export function invite(room: string, name: string, hours: number): Promise<Invitation> {
  const message = create(InviteModeratorSchema, { name, hours });
  return write("post", "/v1/rooms/{room}/invitations", { room }, { schema: InviteModeratorSchema, message }, InvitationSchema);
}

export function dismiss(room: string, subject: string): Promise<Room> {
  return write("delete", "/v1/rooms/{room}/moderators/{subject}", { room, subject }, undefined, RoomSchema);
}
