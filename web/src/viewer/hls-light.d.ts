// hls.js has types for its whole build only; the light one is the same without captions, encryption and other tracks.
declare module "hls.js/light" {
  import Hls from "hls.js";

  export * from "hls.js";
  export default Hls;
}
