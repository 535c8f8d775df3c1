// What the host has to sell, and how many of it are at hand.

import { useEffect, useState } from "preact/hooks";

import { RoomState, type Product, type Room } from "../gen/apricot/v1/room_pb";
import { Amount } from "../parts/Amount";
import { drawingOf } from "../parts/drawings";
import { Photo } from "../parts/Photo";
import { Sheet } from "../parts/Sheet";
import { Plus } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import { apart, useWords } from "../text";
import { Refused } from "../wire/refused";
import type { Desk } from "./desk";
import { OpenSale } from "./OpenSale";
import { ProductForm } from "./ProductForm";
import { Bolt } from "./signs";
import { StockSheet } from "./StockSheet";
import { hostText } from "./text";
import { changeStock } from "./trade";

const FEW = 20;

export function Products(props: { desk: Desk; room: Room }) {
  const { count } = useWords();
  const h = hostText.use();
  const { desk, room } = props;
  const [open, setOpen] = useState<{ readonly what: "stock" | "sale"; readonly product: Product } | { readonly what: "new" }>();
  const close = (): void => setOpen(undefined);
  const { products } = desk;
  // Whoever comes here wants today's numbers.
  useEffect(() => {
    desk.refreshProducts().catch((error: unknown) => {
      if (!(error instanceof Refused)) throw error;
    });
  }, [desk]);

  return (
    <section class="panel" aria-labelledby="products-heading">
      <header class="panel-head">
        <h2 id="products-heading">{h.products.heading}</h2>
        <button type="button" class="primary" data-testid="product-new" onClick={() => setOpen({ what: "new" })}>
          <Plus />
          {h.products.make}
        </button>
      </header>
      {products === undefined && <Skeleton lines={9} />}
      {products?.length === 0 && <Still title={h.products.empty} hint={h.products.emptyHint} />}
      <ul class="goods">
        {(products ?? []).map((product) => (
          <li key={product.sku} class="good" data-testid="product" data-sku={product.sku}>
            <Photo src={product.imageUrl} drawing={drawingOf(product.title)} class="good-photo" />
            <div class="good-words">
              <strong>
                <bdi>{product.title}</bdi>
              </strong>
              <span class="hint">{[apart(product.unit), apart(product.origin)].filter((part) => part !== "").join(" · ")}</span>
              {product.price !== undefined && <Amount value={product.price} class="good-price" />}
            </div>
            <p class="good-stock" data-few={product.onHand <= FEW}>
              <b data-testid="product-on-hand">{count(product.onHand)}</b>
              <span class="hint">{h.products.atHand}</span>
            </p>
            <div class="good-acts">
              <button type="button" class="quiet" data-testid="product-stock" onClick={() => setOpen({ what: "stock", product })}>
                {h.products.change}
              </button>
              {room.state !== RoomState.ENDED && (
                <button type="button" class="quiet" data-testid="product-sale" onClick={() => setOpen({ what: "sale", product })}>
                  <Bolt />
                  {h.sheet.sale}
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {open?.what === "new" && (
        <Sheet label={h.products.newHeading} testId="product-form" onClose={close}>
          <header class="sheet-head">
            <h2>{h.products.newHeading}</h2>
          </header>
          <ProductForm
            onMade={(product) => {
              desk.takeProduct(product);
              close();
            }}
          />
        </Sheet>
      )}
      {open?.what === "sale" && <OpenSale desk={desk} sku={open.product.sku} item={desk.runSheet?.find(({ sku }) => sku === open.product.sku)} onClose={close} />}
      {open?.what === "stock" && (
        <StockSheet
          title={h.stockSheet.ofProduct(apart(open.product.title))}
          now={h.onHand(count(open.product.onHand))}
          least={-open.product.onHand}
          most={undefined}
          leastHint={h.stockSheet.productLeast(count(open.product.onHand))}
          mostHint={() => ""}
          onClose={close}
          change={async (by) => desk.takeProduct(await changeStock(open.product.sku, by))}
        />
      )}
    </section>
  );
}
